/* Security keys. A form with data-security-key="create" or "get" and data-options (JSON of the server, binary values in
   base64url) asks the key when its [data-touch] button is pressed, writes the answer into input[name=key] and sends
   the form. Without such a form this file does nothing; without support in the browser its button is hidden. */
(() => {
  "use strict";
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));
  const asked = (options) => {
    const out = { ...options, challenge: bytes(options.challenge) };
    if (out.user) out.user = { ...out.user, id: bytes(out.user.id) };
    if (out.excludeCredentials) out.excludeCredentials = known(out.excludeCredentials);
    if (out.allowCredentials) out.allowCredentials = known(out.allowCredentials);
    return out;
  };
  const told = (credential) => {
    const from = credential.response, response = { clientDataJSON: text(from.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) if (from[name]) response[name] = text(from[name]);
    return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response, clientExtensionResults: {} };
  };
  for (const form of document.querySelectorAll("form[data-security-key]")) {
    const button = form.querySelector("[data-touch]"), problem = form.querySelector("[data-touch-problem]");
    if (!window.PublicKeyCredential) { button.hidden = true; continue; }
    button.addEventListener("click", async (event) => {
      event.preventDefault();
      problem.hidden = true;
      const publicKey = asked(JSON.parse(form.dataset.options).publicKey);
      try {
        const credential = await navigator.credentials[form.dataset.securityKey]({ publicKey });
        form.elements.key.value = JSON.stringify(told(credential));
        form.submit();
      } catch (error) { problem.hidden = false; }
    });
  }
})();
