// What the admin pages gain with JavaScript; each works without it.
"use strict";

document.querySelectorAll("[data-copy]").forEach((button) => {
  if (!navigator.clipboard) return;
  const word = button.querySelector("[data-word]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      word.textContent = "Copied";
    } catch {
      word.textContent = "Select and copy";
    }
    setTimeout(() => (word.textContent = "Copy"), 2000);
  });
});

document.querySelectorAll("[data-largest]").forEach((field) => {
  const error = document.getElementById(`${field.id}-error`);
  field.addEventListener("change", () => {
    const isTooLarge = Number(field.files[0]?.size ?? 0) > Number(field.dataset.largest);
    field.setCustomValidity(isTooLarge ? field.dataset.tooLarge : "");
    error.textContent = isTooLarge ? field.dataset.tooLarge : "";
    error.hidden = !isTooLarge;
    isTooLarge ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid");
    field.form.noValidate = false;
  });
});

// A number of per cent gains a slider, and says at once how many people it reaches.
document.querySelectorAll("[data-slides]").forEach((slider) => {
  const number = document.getElementById(slider.dataset.slides);
  const reach = slider.closest("[data-reach]").dataset.reach.split(" ");
  const reached = document.querySelector(`[data-reached="${number.id}"]`);
  const show = () => {
    slider.value = number.value;
    if (!number.value) slider.value = 0;
    if (!reached) return;
    reached.textContent = Number(reach[slider.value]).toLocaleString("en");
    reached.parentElement.hidden = !number.value;
  };
  slider.hidden = false;
  slider.addEventListener("input", () => {
    number.value = Number(slider.value) < Number(number.min) ? "" : slider.value;
    show();
  });
  number.addEventListener("input", show);
  show();
});

document.querySelectorAll("[data-without-script]").forEach((it) => (it.hidden = true));
