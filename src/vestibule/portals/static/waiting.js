// The waiting page goes on when there is news: by an event, and where those do not come through, by asking every few
// seconds. Without this file the page asks by itself.

const form = document.querySelector("form[data-waiting]");
const SECONDS = 3000;

function look() {
  form.submit();
}

const news = new EventSource(form.dataset.news);
news.addEventListener("news", () => {
  news.close();
  look();
});
news.addEventListener("error", () => {
  news.close();
  setTimeout(look, SECONDS);
});
