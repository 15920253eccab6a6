// Passkeys: a script asks the browser, a form takes the answer. Without this file people sign in another way.

const octets = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (some) => btoa(String.fromCharCode(...new Uint8Array(some))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const named = (list) => (list ?? []).map((one) => ({ ...one, id: octets(one.id) }));

const trouble = document.querySelector("[data-passkey-trouble]");
const free = document.querySelector("form[data-passkey=free]");
let asking = null; // what is under way; the browser carries one at a time
let busy = false; // a button was pressed, and its form is not sent yet or on its way: a second press is none

function here() {
  const domain = document.querySelector("meta[name=passkeys]").content;
  return location.hostname === domain || location.hostname.endsWith(`.${domain}`);
}

function say(error) {
  if (!trouble || error?.name === "AbortError") return;
  const names = { NotAllowedError: "notAllowed", InvalidStateError: "invalidState", SecurityError: "security" };
  trouble.textContent = trouble.dataset[names[error?.name] ?? "other"];
  trouble.hidden = false;
}

function told(made) {
  const { id, type, rawId, response, authenticatorAttachment } = made;
  const parts = { clientDataJSON: text(response.clientDataJSON) };
  if (response.attestationObject) {
    parts.attestationObject = text(response.attestationObject);
    parts.transports = response.getTransports?.() ?? [];
  } else {
    parts.authenticatorData = text(response.authenticatorData);
    parts.signature = text(response.signature);
    if (response.userHandle) parts.userHandle = text(response.userHandle);
  }
  return JSON.stringify({ id, type, rawId: text(rawId), authenticatorAttachment, response: parts });
}

async function asked(kind, options, more = {}) {
  asking?.abort();
  asking = new AbortController();
  const publicKey = { ...options, challenge: octets(options.challenge) };
  if (options.allowCredentials) publicKey.allowCredentials = named(options.allowCredentials);
  if (options.excludeCredentials) publicKey.excludeCredentials = named(options.excludeCredentials);
  if (options.user) publicKey.user = { ...options.user, id: octets(options.user.id) };
  const wanted = { publicKey, signal: asking.signal, ...more };
  return kind === "create" ? navigator.credentials.create(wanted) : navigator.credentials.get(wanted);
}

function send(form, made, held) {
  busy = true;
  form.elements.answer.value = told(made);
  if (held !== undefined) form.elements.held.value = held;
  form.submit();
}

async function question(form) {
  const answer = await fetch(form.dataset.question, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error("no question");
  return answer.json();
}

async function answer(form) {
  if (busy) return;
  busy = true;
  if (trouble) trouble.hidden = true;
  try {
    if (form !== free) return send(form, await asked(form.dataset.passkey, JSON.parse(form.dataset.options)));
    const { options, held } = await question(form);
    send(form, await asked("get", options), held);
  } catch (error) {
    busy = false;
    say(error);
    if (form === free && error?.name !== "AbortError") offer();
  }
}

// The browser offers passkeys in the field for the name, if it can; a question is asked anew before it is too old.
const FRESH = 240_000;
async function offer() {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const again = setTimeout(offer, FRESH);
  try {
    const { options, held } = await question(free);
    send(free, await asked("get", options, { mediation: "conditional" }), held);
  } catch {
    clearTimeout(again); // taken over by the button, or not possible: nothing was asked of the person
  }
}

if (window.PublicKeyCredential && here()) {
  for (const one of document.querySelectorAll("[data-needs-passkeys]")) one.hidden = false;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    for (const one of form.querySelectorAll("[data-needs-script]")) one.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer(form);
    });
  }
  const at_once = document.querySelector("form[data-passkey=get]");
  if (free) offer();
  else if (at_once) answer(at_once);
} else {
  for (const one of document.querySelectorAll("[data-no-passkeys]")) one.hidden = false;
  if (document.querySelector("[data-options]")) say({ name: "other" });
}
