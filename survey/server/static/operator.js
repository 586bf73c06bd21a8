// Keeps the operator's tables fresh.

const EVERY_MS = 5000;

async function refresh() {
  try {
    const response = await fetch("/operator/status");
    if (!response.ok) throw new Error(response.statusText);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    document.getElementById("status").replaceChildren(...page.body.children);
    document.getElementById("fresh").textContent = "";
  } catch {
    document.getElementById("fresh").textContent = "– but the server did not answer just now.";
  }
}

setInterval(() => document.hidden || refresh(), EVERY_MS);
