/*
 * assets.h - the files of gateway/edge/page/assets, inside the binary
 */
#ifndef SLUIS_EDGE_PAGE_ASSETS_H
#define SLUIS_EDGE_PAGE_ASSETS_H

#include "edge/server.h"

/* The file at this path of the page; false when there is none. */
bool asset_answer(struct slice path, struct server_answer *answer);

#endif
