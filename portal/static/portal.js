// What the pages gain with JavaScript; each works without it.
"use strict";

// The sign-in form: `chosen` is what the person toggled, `found` what their domain leads to.
// `is_sso` follows the toggle alone, so that the server decides on every other submit.
function signIn(form) {
  const { email, password, is_sso: isSso } = form.elements;
  const field = document.getElementById("password-field");
  const route = document.getElementById("route");
  const submit = document.getElementById("submit");
  const toggle = document.getElementById("toggle");
  const banner = document.getElementById("banner");
  const announced = banner.textContent;
  let chosen = isSso.getAttribute("value") === "true" ? "sso" : null;
  let found = null;
  let domain = null;
  let pending = null;
  let timer = 0;
  let isPressed = false;
  let isLate = false;

  const leadsToSso = () => found !== null && found.method !== "password" && chosen !== "password";
  const filled = () => password.value !== "" || password.matches(":autofill");

  function render() {
    const routed = leadsToSso() && chosen === null && !filled();
    const away = chosen === "sso" || routed;
    const words = (leadsToSso() && found.message) || (away ? route.dataset.sso : "");
    if (away && document.activeElement === password) submit.focus();
    field.hidden = password.disabled = away;
    isSso.value = String(chosen === "sso");
    const news = found ? found.banner : announced;
    if (banner.textContent !== news) banner.textContent = news;
    if (route.textContent !== words) route.textContent = words;
    const onward = routed && found.method === "choose" ? "Continue" : "Continue with SSO";
    submit.textContent = away ? onward : "Sign in";
    toggle.textContent = away ? "Back to Password Login" : "Sign in with SSO";
    toggle.value = away ? "password" : "sso";
  }

  async function discover() {
    clearTimeout(timer);
    const address = email.value.trim();
    const now = /^[^@\s]+@([^@\s]+\.[^@\s.]+)$/.exec(address)?.[1].toLowerCase() ?? null;
    if (now === domain) return;
    domain = now;
    pending?.abort();
    if (chosen === "password") chosen = null;
    if (domain === null) {
      found = null;
      return render();
    }
    const asked = (pending = new AbortController());
    try {
      const answer = await fetch("/auth/discover", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ email: address, words: true }),
        signal: asked.signal,
      });
      found = answer.ok ? await answer.json() : null;
    } catch {
      if (asked.signal.aborted) return;
      found = null; // the form works without an answer
    }
    if (asked === pending) isPressed ? (isLate = true) : render();
  }

  // What is pressed stays where it is: a press that ends elsewhere than it began is no click.
  addEventListener("pointerdown", () => { isPressed = true; });
  const release = () => {
    isPressed = false;
    if (isLate) render();
    isLate = false;
  };
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(release));

  toggle.addEventListener("click", (event) => {
    event.preventDefault();
    chosen = toggle.value;
    render();
    const next = chosen === "sso" ? submit : password;
    (email.value ? next : email).focus();
  });
  email.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(discover, 300);
  });
  email.addEventListener("change", discover);
  password.addEventListener("input", () => leadsToSso() && render());
  // Asked for the password of this address, the person may go on to give it.
  const asked = form.dataset.asked !== undefined;
  if (asked) domain = email.value.trim().split("@").pop().toLowerCase();
  form.dataset.live = "";
  return function refresh() {
    render();
    if (!asked) discover();
  };
}

function revealPassword(button) {
  const password = document.getElementById(button.getAttribute("aria-controls"));
  const show = (shown) => {
    password.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  button.hidden = false;
  button.addEventListener("click", () => show(password.type === "password"));
  password.form.addEventListener("submit", () => show(false)); // or browsers keep it as a word
}

const form = document.querySelector("[data-sign-in]");
const refreshSignIn = form ? signIn(form) : () => {};
refreshSignIn();
document.querySelectorAll(".reveal").forEach(revealPassword);

document.addEventListener("submit", (event) => {
  const choice = event.target.closest("[data-choice]");
  if (choice && form) choice.elements.email.value = form.elements.email.value;
  event.submitter?.setAttribute("data-busy", "");
});

// A page that comes back by the Back button is fresh again.
window.addEventListener("pageshow", () => {
  document.querySelectorAll("[data-busy]").forEach((button) => button.removeAttribute("data-busy"));
  refreshSignIn(); // the browser gives the address back late
});

document.querySelectorAll("time").forEach((time) => {
  const locale = navigator.language.startsWith("en") ? navigator.language : "en-GB"; // as the page
  const words = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  time.title = time.textContent;
  time.textContent = words.format(new Date(time.dateTime));
});
