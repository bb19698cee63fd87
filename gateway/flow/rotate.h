/*
 * rotate.h - the ledger goes over to another signing key
 *
 * Shape   a key receipt, the last of its batch, is signed by the old key and names the new one;
 *         everything after it is signed by the new key. When rotate_key() returns, the new key is
 *         in the old one's place, which is destroyed; if that failed, `text` says so, and the next
 *         start or the next rotation does it.
 * Errors  SL_ESTORE with `text` for the operator: nothing was changed, but a key may be prepared
 * Threads one at a time
 */
#ifndef SLUIS_FLOW_ROTATE_H
#define SLUIS_FLOW_ROTATE_H

#include "flow/node.h"
#include "flow/trust_file.h"

struct rotation {
    uint64_t receipt; /* its index */
    char old_vkey[RECORDER_VKEY_BYTES_MAX];
    char new_vkey[RECORDER_VKEY_BYTES_MAX];
    char text[640];  /* empty when all went well */
    bool is_unknown; /* to the witnesses' trust file, which `warning` names */
    struct trust_file_text warning;
};

/*
 * Draws the key that the next rotation goes over to, so that witnesses and auditors can be told of
 * it ahead; one that was prepared before is kept. Sets new_vkey.
 */
SL_NODISCARD enum sl_err rotate_prepare(struct node *node, struct rotation *rotation);
/* Destroys a prepared key. *was_there: there was one. */
SL_NODISCARD enum sl_err rotate_discard(struct node *node, struct rotation *rotation,
                                        bool *was_there);
/* To the prepared key, or to one that is drawn now. */
SL_NODISCARD enum sl_err rotate_key(struct node *node, struct rotation *rotation);

#endif
