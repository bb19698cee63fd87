/*
 * first_key.h - which of several keys signed the begin of a ledger
 *
 * Somebody's list of a ledger's keys may be in any order: which one was the first is in the ledger.
 * Only names and hashes are compared here, and nothing is proven. That is for the walk that begins
 * with the key that was found, and would see it if the ledger had lied.
 */
#ifndef SLUIS_LEDGER_FIRST_KEY_H
#define SLUIS_LEDGER_FIRST_KEY_H

#include "ledger/vkey_list.h"

enum first_key {
    FIRST_KEY_GIVEN,   /* *place, else untouched, is its place in the list */
    FIRST_KEY_OTHER,   /* `id` is that of the key that signed */
    FIRST_KEY_UNKNOWN, /* no ledger of this name, nothing in it, or unreadable: a walk tells why */
};

enum first_key first_key_find(const char *folder, const struct vkey_list *keys, size_t *place,
                              uint8_t id[NOTE_KEY_ID_BYTES]);
/* Puts the key that was found at the head of the list; otherwise it stays as it is. */
enum first_key first_key_put_first(const char *folder, struct vkey_list *keys,
                                   uint8_t id[NOTE_KEY_ID_BYTES]);

#endif
