/*
 * vkey_list.h - the keys that a ledger has had, oldest first
 *
 * Shape   text: one vkey a line, all of one name, none twice; lines end in LF or CR LF, and at the
 *         end there may be none or several. A ledger whose key was never changed has a list of one.
 * Limits  ledger_keys
 * Owns    nothing: names point into the text
 * Spec    docs/formats/ledger.md
 */
#ifndef SLUIS_LEDGER_VKEY_LIST_H
#define SLUIS_LEDGER_VKEY_LIST_H

#include "base/limits.h"
#include "ledger/vkey.h"

enum {
    VKEY_LIST_KEYS_MAX = LIMIT_MAX_ledger_keys,
    VKEY_LIST_BYTES_MAX = VKEY_LIST_KEYS_MAX * (NOTE_VKEY_BYTES_MAX + 1),
};

struct vkey_list {
    size_t n; /* at least 1 */
    struct vkey keys[VKEY_LIST_KEYS_MAX];
};

/* SL_ELIMIT: too many; SL_EMALFORMED: not such a list. *line is the one that is wrong, from 1. */
SL_NODISCARD enum sl_err vkey_list_parse(struct slice text, struct vkey_list *out, size_t *line);
struct slice vkey_list_name(const struct vkey_list *list);
/* The place of a key in the list; false when it is not there. */
bool vkey_list_find(const struct vkey_list *list, const struct vkey *key, size_t *place);

/* Are they the same key of the same name? */
bool vkey_equals(const struct vkey *a, const struct vkey *b);

#endif
