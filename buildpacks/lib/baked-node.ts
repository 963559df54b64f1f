/** The Node of the image, with npm and its libraries. */
export const BAKED = "/opt/paas/node";
