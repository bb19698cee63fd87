/*
 * head.h - a request's head, from where libmicrohttpd has it to where the guard wants it
 */
#ifndef SLUIS_EDGE_HEAD_H
#define SLUIS_EDGE_HEAD_H

#include "edge/guard.h"

#include <microhttpd.h>

/*
 * In the first handler call. `target`: as the URI log callback got it. The slices point into
 * libmicrohttpd's memory of the connection. Bodies are not taken until the caller says so.
 */
void head_collect(struct MHD_Connection *handle, const char *method, struct slice target,
                  const char *version, struct guard_head *head);

#endif
