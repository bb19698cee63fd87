/*
 * reply.h - answers as libmicrohttpd sends them
 *
 * Every answer is written anew: Content-Type, Cache-Control: no-store, X-Content-Type-Options,
 * and Sluis-Receipt where there is one. Nothing of the app's head passes.
 */
#ifndef SLUIS_EDGE_REPLY_H
#define SLUIS_EDGE_REPLY_H

#include "edge/connection.h"
#include "edge/problem.h"

/* The flow's answer. A released body is sent from where it lies, without a copy. */
enum MHD_Result reply_flow(struct connection *connection);
/* From the first handler call: the connection closes after it. */
enum MHD_Result reply_malformed(struct MHD_Connection *handle, enum guard_fault fault);

#endif
