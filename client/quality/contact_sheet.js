"use strict";
for (const list of ["exclude", "include"]) {
  const button = document.getElementById(`save-${list}`);
  const ticked = () => [...document.querySelectorAll(`input[name="${list}"]:checked`)];
  const cell = (text) => `"${text.replaceAll('"', '""')}"`;
  const row = (box) => {
    const reason = box.closest(".lesion").querySelector("select");
    return [box.value, reason ? reason.value : ""].map(cell).join(",");
  };
  let saved = "";
  const text = () => ["lesion,reason", ...ticked().map(row), ""].join("\r\n");
  const count = () => {
    const n = ticked().length;
    button.disabled = n === 0;
    button.textContent = `Save the list: ${n} to ${list}`;
  };
  button.addEventListener("click", () => {
    saved = text();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([saved], { type: "text/csv" }));
    link.download = `${list}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
  document.addEventListener("change", count);
  addEventListener("pageshow", count); // a browser may restore the ticks of an earlier visit
  addEventListener("beforeunload", (event) => {
    if (ticked().length > 0 && text() !== saved) event.preventDefault();
  });
}
const boxes = document.getElementById("boxes");
const show = () => document.body.classList.toggle("plain", !boxes.checked);
boxes.addEventListener("change", show);
addEventListener("pageshow", show);
