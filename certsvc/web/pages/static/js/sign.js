// The page where people sign: documents that wait, one document, the own e-signature. It shares the holder's sign-in.
import { startOwnPage } from "./own_page.js";
import { drawDocument, leaveDocument } from "./sign_document.js";
import { drawSigner } from "./sign_signer.js";
import { drawWaiting } from "./sign_waiting.js";

startOwnPage({
  views: { waiting: drawWaiting, signer: drawSigner, document: drawDocument },
  tabs: { waiting: "waiting", signer: "signer", document: "waiting" },
  first: "waiting",
  inHand: "round",
  needs: "document",
  leave: leaveDocument,
});
