// Passkeys: a form with data-passkey holds what the server asks for (data-passkey-options) and a hidden field for the answer.
// data-passkey is "create" (set one up), "get" (show one) or "sign-in" (ask the server first, nobody is known yet).

const WORDS = {
  NotAllowedError: "Nothing was confirmed. Try again, and follow what your browser asks.",
  InvalidStateError: "This device or key is registered already. Use another one.",
  SecurityError: "Passkeys need the portal's own address with https (on one machine: http://localhost, not a number).",
  AbortError: "It was stopped before it was finished. Try again.",
};

function bytesOf(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function textOf(buffer) {
  let plain = "";
  for (const byte of new Uint8Array(buffer)) plain += String.fromCharCode(byte);
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function read(options) {
  const key = structuredClone(options.publicKey);
  key.challenge = bytesOf(key.challenge);
  if (key.user) key.user.id = bytesOf(key.user.id);
  for (const list of ["excludeCredentials", "allowCredentials"]) {
    if (key[list]) key[list] = key[list].map((each) => ({ ...each, id: bytesOf(each.id) }));
  }
  return { publicKey: key };
}

function written(credential) {
  const said = credential.response;
  const response = { clientDataJSON: textOf(said.clientDataJSON) };
  if (said.attestationObject) {
    response.attestationObject = textOf(said.attestationObject);
    response.transports = said.getTransports?.() ?? [];
  } else {
    response.authenticatorData = textOf(said.authenticatorData);
    response.signature = textOf(said.signature);
    response.userHandle = said.userHandle ? textOf(said.userHandle) : null;
  }
  return {
    type: credential.type,
    id: credential.id,
    rawId: textOf(credential.rawId),
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function asked(form) {
  if (form.dataset.passkey !== "sign-in") return JSON.parse(form.dataset.passkeyOptions);
  const answer = await fetch(form.action, { headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" } });
  if (!answer.ok) throw new Error("The server did not answer. Wait a minute and try again.");
  return answer.json();
}

async function confirm(form) {
  const options = await asked(form);
  if (form.dataset.passkey !== "create") return navigator.credentials.get(read(options.request_options));
  const wanted = read(options.creation_options);
  const alone = form.elements.passwordless?.checked ?? false;
  // A passkey that opens the account by itself lives on the device and asks for a finger, a face or a PIN each time.
  wanted.publicKey.authenticatorSelection = {
    ...wanted.publicKey.authenticatorSelection,
    residentKey: alone ? "required" : "discouraged",
    requireResidentKey: alone,
    ...(alone ? { userVerification: "required" } : {}),
  };
  return navigator.credentials.create(wanted);
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const note = document.querySelector("[data-passkey-note]");
  const buttons = document.querySelectorAll(`[data-passkey-start]`);
  if (!window.PublicKeyCredential) {
    if (note) note.textContent = "This browser knows no passkeys, or the address is not https.";
    for (const button of buttons) button.disabled = true;
    continue;
  }
  for (const button of buttons) {
    button.addEventListener("click", async (event) => {
      event.preventDefault();
      if (note) note.textContent = "Waiting for your device …";
      try {
        form.elements.credential.value = JSON.stringify(written(await confirm(form)));
        form.submit();
      } catch (error) {
        if (note) note.textContent = WORDS[error.name] ?? error.message;
      }
    });
  }
}
