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

document.querySelectorAll("input[type=range]").forEach((slider) => {
  const output = document.querySelector(`output[for="${slider.id}"]`);
  if (!output) return;
  const reach = slider.dataset.reach?.split(" ") ?? [];
  const reached = slider.closest(".field").querySelector("[data-reached]");
  const show = () => {
    output.textContent = `${slider.value} %`;
    if (reached) reached.textContent = reach[slider.value];
  };
  slider.addEventListener("input", show);
  show();
});
