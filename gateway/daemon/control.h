/*
 * control.h - the daemon's control socket, for `sluis` on the same machine
 *
 * Shape   <state>/control.sock, AF_UNIX stream, mode 0600; one JSON object per line each way; one
 *         thread answers one call after the other, of up to control_connections clients in turn
 * Access  the same user as the daemon, or root (SO_PEERCRED); nobody else reaches the folder
 * Limits  a request has at most control_request_bytes and control_request_ms to arrive, and an
 *         answer control_request_ms to be taken; a client too many waits for a place
 * Spec    docs/formats/control.md
 */
#ifndef SLUIS_DAEMON_CONTROL_H
#define SLUIS_DAEMON_CONTROL_H

#include "flow/node.h"

struct control;

/* Binds the socket and starts the thread. What goes wrong is logged. */
SL_NODISCARD enum sl_err control_start(struct node *node, struct control **out);
/* Finishes the call under way, ends the thread and removes the socket. NULL is fine. */
void control_stop(struct control *control);

#endif
