// Small comforts. Everything works without this file.

// Times in the person's own zone and habit; the page says them in UTC. A day is a day everywhere.
const spoken = document.documentElement.lang;
const minute = new Intl.DateTimeFormat(spoken, { dateStyle: "medium", timeStyle: "short" });
const second = new Intl.DateTimeFormat(spoken, { timeStyle: "medium" });
const day = new Intl.DateTimeFormat(spoken, { dateStyle: "medium", timeZone: "UTC" });

function comfort() {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", () => {
      const place = document.getElementById(button.dataset.copy);
      navigator.clipboard.writeText(place.textContent.trim()).then(() => button.classList.add("done"));
    });
  }
  for (const button of document.querySelectorAll("[data-print][hidden]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
  for (const time of document.querySelectorAll("time:not([title])")) {
    time.title = time.textContent;
    const form = time.dateTime.includes("T") ? ("clock" in time.dataset ? second : minute) : day;
    time.textContent = form.format(new Date(time.dateTime));
  }
}

comfort();
document.addEventListener("htmx:after:swap", comfort);
document.querySelector(".sections [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
