// The holder's page: licenses, showing one, who used them, grants.
import { drawGrants } from "./grants.js";
import { startOwnPage } from "./own_page.js";
import { drawShowing, leaveShowing } from "./showing.js";
import { drawUses } from "./uses.js";
import { drawWallet } from "./wallet.js";

startOwnPage({
  views: { wallet: drawWallet, uses: drawUses, grants: drawGrants, show: drawShowing },
  tabs: { wallet: "wallet", uses: "uses", grants: "grants", show: "wallet" },
  first: "wallet",
  inHand: "license",
  needs: "show",
  leave: leaveShowing,
});
