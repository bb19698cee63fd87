/*
 * page.h - the local web page where people see and decide who gets what about them
 *
 * Shape   a server of its own on a thread of its own: what is asked there never delays a flow, and
 *         each answer is finished before the next begins. HTML that works without JavaScript
 * Trust   Host must be one of the listener's names (DNS rebinding); a session's cookie is
 *         __Host-, HttpOnly and SameSite=Strict; whatever changes something has to come from the
 *         page itself (Origin, Sec-Fetch-Site) and to bring the session's CSRF token. Nothing
 *         personal stands in a URL, and nothing is kept by caches
 * Docs    docs/users.md; docs/decisions/ has why a link and not a password
 */
#ifndef SLUIS_EDGE_PAGE_PAGE_H
#define SLUIS_EDGE_PAGE_PAGE_H

#include "edge/edge_problem.h"
#include "flow/node.h"

struct page;

/* `certificate` and `key`: PEM texts that outlive the page, or NULL for no TLS. */
SL_NODISCARD enum sl_err page_start(struct node *node, const char *certificate, const char *key,
                                    struct edge_problem *problem, struct page **out);
void page_stop(struct page *page);
uint16_t page_port(const struct page *page);

enum { PAGE_LINK_BYTES = 512 };
/*
 * A link by which the subject signs in, once, within five minutes; NUL-terminated. From any thread.
 */
SL_NODISCARD enum sl_err page_login_link(struct page *page,
                                         const uint8_t subject[STORE_SUBJECT_ID_BYTES],
                                         char link[PAGE_LINK_BYTES]);

#endif
