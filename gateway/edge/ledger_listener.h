/*
 * ledger_listener.h - the ledger, for anybody to read: C2SP tlog-tiles
 *
 *     GET /checkpoint                        the newest checkpoint, a signed note
 *     GET /tile/<L>/<N>[.p/<W>]              hashes
 *     GET /tile/entries/<N>[.p/<W>]          receipts
 *     GET /heads/<epoch>                     the list of heads of an epoch
 *
 * Shape   a server of its own on a thread of its own: no read of a stranger's delays a flow
 * Trust   no credentials, and none needed: a receipt names nobody
 * Spec    C2SP tlog-tiles; docs/formats/ledger.md
 */
#ifndef SLUIS_EDGE_LEDGER_LISTENER_H
#define SLUIS_EDGE_LEDGER_LISTENER_H

#include "edge/edge_problem.h"
#include "flow/node.h"

struct ledger_listener;

/* `certificate` and `key`: PEM texts that outlive the listener, or NULL for no TLS. */
SL_NODISCARD enum sl_err ledger_listener_start(struct node *node, const char *certificate,
                                               const char *key, struct edge_problem *problem,
                                               struct ledger_listener **out);
void ledger_listener_stop(struct ledger_listener *listener);
uint16_t ledger_listener_port(const struct ledger_listener *listener);

#endif
