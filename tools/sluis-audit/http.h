/*
 * http.h - GET over http:// and https://, with everything capped
 *
 * Shape   one connection that is kept from request to request; no redirect is followed, no cookie
 *         kept, nothing decoded; certificates are checked against the system's authorities or the
 *         one in --ca
 * Trust   none: what comes is proven by whoever asked
 * Owns    its connection
 */
#ifndef SLUIS_AUDIT_HTTP_H
#define SLUIS_AUDIT_HTTP_H

#include "base/err.h"
#include "common/cli.h"

struct http;

/* --timeout of the command line. An exit code; what is wrong has been said. */
SL_NODISCARD int http_check_options(struct cli *cli);
/* With --ca and --timeout. SL_EINTERNAL: no memory. */
SL_NODISCARD enum sl_err http_open(const struct cli *cli, struct http **out);
void http_free(struct http *http);
SL_DEFINE_AUTO(http, http_free)

enum http_end {
    HTTP_GOT,
    HTTP_NOT_THERE, /* 404 */
    HTTP_FAILED,    /* no answer, another status, or more than bytes_max */
};
/* *body holds until the next call. After anything but HTTP_GOT, http_problem() says what came. */
SL_NODISCARD enum http_end http_get(struct http *http, const char *url, size_t bytes_max,
                                    struct slice *body);
const char *http_problem(const struct http *http);

#endif
