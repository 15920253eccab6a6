// The telephone of the demonstration: shows what comes without a reload, presses keys without one, and speaks.

const board = document.getElementById("board");
const aloud = document.getElementById("aloud");
const spoken = new Set();

if ("speechSynthesis" in window) aloud.closest("[hidden]").hidden = false;

function speak() {
  for (const place of board.querySelectorAll(".talking, .over")) {
    const said = [...place.querySelectorAll(".said")];
    said.forEach((one, number) => {
      const name = `${place.id}/${number}`;
      if (spoken.has(name)) return;
      spoken.add(name);
      if (aloud.checked) {
        speechSynthesis.cancel();
        speechSynthesis.speak(new SpeechSynthesisUtterance(one.textContent));
      }
    });
  }
}

async function show() {
  const typed = document.activeElement;
  const held = typed && board.contains(typed) && typed.matches("input") ? [typed.id, typed.value] : null;
  const pressed = typed && board.contains(typed) && typed.matches("button") ? [typed.form.elements.id.value, typed.value] : null;
  const answer = await fetch("/demo/phone/board");
  if (!answer.ok) return;
  board.innerHTML = await answer.text();
  if (held && document.getElementById(held[0])) {
    const again = document.getElementById(held[0]);
    again.value = held[1];
    again.focus();
  }
  if (pressed) document.getElementById(pressed[0])?.querySelector(`button[value="${pressed[1]}"]`)?.focus();
  speak();
}

board.addEventListener("submit", async (event) => {
  event.preventDefault();
  speechSynthesis?.cancel();
  const said = new URLSearchParams(new FormData(event.target, event.submitter));
  if (event.submitter.value === "reply") document.activeElement.blur();
  await fetch("/demo/phone", { method: "POST", body: said, redirect: "manual" });
});

const news = new EventSource(`/demo/phone/news?version=${board.dataset.version}`);
news.addEventListener("news", show);
speak();
