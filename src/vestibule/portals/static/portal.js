// Small comforts. Everything works without this file.

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    const place = document.getElementById(button.dataset.copy);
    navigator.clipboard.writeText(place.textContent.trim()).then(() => button.classList.add("done"));
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// Times in the person's own zone and habit; the page says them in UTC. A day is a day everywhere.
const spoken = document.documentElement.lang;
const minute = new Intl.DateTimeFormat(spoken, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(spoken, { dateStyle: "medium", timeZone: "UTC" });
for (const time of document.querySelectorAll("time")) {
  time.title = time.textContent;
  time.textContent = (time.dateTime.includes("T") ? minute : day).format(new Date(time.dateTime));
}
