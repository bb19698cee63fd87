/*
 * keyring.h - the ledger's signing keys on disk: in use, next, and the list of all there were
 *
 *     ledger.pem        private: signs checkpoints
 *     ledger.pem.next   private: prepared to sign one day; signs nothing yet
 *     ledger.pem.old    private: was replaced; is there for a moment, until it is wiped
 *     ledger.vkey       public: every key that the ledger has had, oldest first, one vkey a line
 *
 * Shape   the ledger itself says which key is in force: its key receipts do. The files follow, and
 *         a start brings them in line with it, wherever a crash has left them.
 * Errors  SL_ESTORE with a text for the operator; SL_EINTERNAL without memory
 * Threads one at a time, by whoever holds the node's lock
 */
#ifndef SLUIS_LEDGER_KEYRING_H
#define SLUIS_LEDGER_KEYRING_H

#include "ledger/note.h"
#include "ledger/vkey_list.h"

enum { KEYRING_PATH_BYTES = 4096 };

/* Paths of the first and the last; the other two are beside the first. */
struct keyring {
    const char *key_file;
    const char *vkey_file;
    struct slice origin; /* the keys' name */
};

struct keyring_list {
    bool is_file; /* false: there is none, and this is the key in `key_file` alone */
    struct vkey_list list;
    uint8_t text[VKEY_LIST_BYTES_MAX];
};

/* What the list says. The structure is large: not for the stack of a thread. */
SL_NODISCARD enum sl_err keyring_list_read(const struct keyring *keyring,
                                           struct note_problem *problem, struct keyring_list *out);

/*
 * At the start: the ledger has had `n_keys` keys, and `in_force` is the last. Finishes a rotation
 * that was recorded: that key's file takes its place, the list is completed, the old key is wiped.
 * One that was not recorded leaves a prepared key, and nothing else. Opens the key in force.
 */
SL_NODISCARD enum sl_err keyring_settle(const struct keyring *keyring,
                                        const struct keyring_list *list,
                                        const struct vkey *in_force, uint64_t n_keys,
                                        struct note_problem *problem, struct note_signer **out);

/* Opens the next key, and draws it before if there is none. */
SL_NODISCARD enum sl_err keyring_next_open(const struct keyring *keyring,
                                           struct note_problem *problem, struct note_signer **out);
/* The next key's public half, if one is prepared and can be read. Changes nothing. */
bool keyring_next_vkey(const struct keyring *keyring, char vkey[NOTE_VKEY_BYTES_MAX]);
/* Wipes a next key that was prepared; *was_there says whether there was one. */
SL_NODISCARD enum sl_err keyring_next_destroy(const struct keyring *keyring,
                                              struct note_problem *problem, bool *was_there);
/*
 * The same as keyring_settle(), while the ledger runs: right after a key receipt is durable. What
 * fails here is made good by the next try, or the next start.
 */
SL_NODISCARD enum sl_err keyring_follow(const struct keyring *keyring, struct slice vkey,
                                        uint64_t n_keys, struct note_problem *problem);

#endif
