/* Passkeys: asks the device for a key and sends the form with what it answers. Forms are hidden where this cannot run. */
"use strict";
(() => {
  const able = window.PublicKeyCredential && navigator.credentials;
  if (!able) return;

  const bytes = (text) => {
    const padded = text.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (text.length % 4)) % 4);
    return Uint8Array.from(atob(padded), (sign) => sign.charCodeAt(0));
  };
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");

  const read = (options) => {
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    for (const name of ["excludeCredentials", "allowCredentials"]) {
      for (const item of options[name] || []) item.id = bytes(item.id);
    }
    return options;
  };
  const write = (key) => {
    const said = key.response;
    const response = { clientDataJSON: text(said.clientDataJSON) };
    if (said.attestationObject) {
      response.attestationObject = text(said.attestationObject);
      response.transports = said.getTransports ? said.getTransports() : [];
    } else {
      response.authenticatorData = text(said.authenticatorData);
      response.signature = text(said.signature);
      if (said.userHandle) response.userHandle = text(said.userHandle);
    }
    return JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, response, clientExtensionResults: {} });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      if (form.elements.answer.value) return;
      event.preventDefault();
      const failed = form.querySelector("[data-failed]");
      failed.hidden = true;
      try {
        const publicKey = read(JSON.parse(form.dataset.options));
        const key = await navigator.credentials[form.dataset.passkey]({ publicKey });
        form.elements.answer.value = write(key);
        form.requestSubmit();
      } catch (_error) {
        failed.hidden = false;
        failed.setAttribute("role", "alert");
      }
    });
  }
})();
