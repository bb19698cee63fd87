/*
 * login_call.h - the call by which somebody gets a link to sign in at the page
 */
#ifndef SLUIS_DAEMON_LOGIN_CALL_H
#define SLUIS_DAEMON_LOGIN_CALL_H

#include "flow/node.h"

#include <jansson.h>

/* {"call":"login","subject":NAME} -> {"outcome":"link","link":URL,"seconds":300}, see control.md */
json_t *login_call(struct node *node, const json_t *request);
bool login_is_call(const json_t *request);

#endif
