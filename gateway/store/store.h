/*
 * store.h - subjects and their policies in LMDB
 *
 * Shape   databases: `names` subject name -> id; `live` id -> one record with wrapped key, current
 *         version, digest, accounts and compiled blob, so that a flow costs one lookup;
 *         `history` id || u64be version -> time and YAML; `pending` u64be number of a change -> its
 *         receipt, which may not be in the ledger yet; `accounts` user || 0 || app -> id;
 *         `uses` and `budgets` windows of time -> how often a consent or a partner was used in
 *         them (uses.h);
 *         `pushes` what was pushed, and may not have ended (pushes.h);
 *         `vocabularies` SHA-256 -> the text of each that a policy was written under; `meta` the
 *         format, pins, and how many policy changes there were
 * Owns    the environment. Slices from a read live until that read ends, and are not aligned
 * Threads one reader (store_reader) per thread. Writes come from the recorder's thread; the other
 *         calls on a store, store_pending_done() too, may come from any. Any number of processes
 *         may read while one writes
 * Errors  SL_ESTORE when LMDB or the disk failed; SL_ELIMIT when there was no room: nothing was
 *         written then, and the store goes on. The text for the operator is in store_problem when
 *         opening, in store_failure() afterwards
 * Seam    put_policy_cas, changes_since, prove_fresh and append_receipts of design.md: a
 *         distributed engine replaces this folder and the ledger's appender, and nothing else
 */
#ifndef SLUIS_STORE_STORE_H
#define SLUIS_STORE_STORE_H

#include "base/err.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "base/slice.h"

#include <stdatomic.h>

enum {
    STORE_SUBJECT_ID_BYTES = 16,
    STORE_SUBJECT_KEY_BYTES = 32,
    STORE_SUBJECT_NAME_BYTES_MAX = LIMIT_MAX_subject_name_bytes,
    STORE_APP_BYTES_MAX = LIMIT_MAX_config_id_bytes,
    STORE_USER_BYTES_MAX = LIMIT_MAX_account_user_bytes,
    STORE_ACCOUNTS_BYTES_MAX = 65535, /* of one subject, with two bytes for each account */
    STORE_PIN_NAME_BYTES_MAX = 32,
    STORE_PIN_BYTES_MAX = 64,
};

struct store;

struct store_problem {
    char text[512];
};

/*
 * Opens the store in `folder`, which must exist; makes one in a folder that holds none, unless
 * read_only. `key_file` holds the 32-byte key-encryption key. read_only: for tools beside a
 * running daemon. A process must not open the same store twice.
 */
SL_NODISCARD enum sl_err store_open(const char *folder, const char *key_file, bool read_only,
                                    struct store_problem *problem, struct store **out);
/* All of its readers must be gone. */
void store_free(struct store *store);
SL_DEFINE_AUTO(store, store_free)
/* What the last failed call on the store met, in words for the operator; empty: none failed. */
void store_failure(struct store *store, struct store_problem *out);
/*
 * True when the disk is full and the reserve could not be filled up again: what is left should
 * serve withdrawals. Tells how it stood after the last write.
 */
bool store_is_low(const struct store *store);

/* A thread's way to read; holds one LMDB read transaction that is renewed for each read. */
struct store_reader;
SL_NODISCARD enum sl_err store_reader_new(struct store *store, struct store_reader **out);
void store_reader_free(struct store_reader *reader);
SL_DEFINE_AUTO(store_reader, store_reader_free)

/* What a flow needs to know of a subject. `found` false: unknown; then blob is empty. */
struct store_subject {
    bool found;
    uint64_t version;                    /* of the policy; 0: none yet */
    uint8_t policy_digest[SHA256_BYTES]; /* see basis_policy_digest() */
    struct slice name;                   /* the subject's name */
    struct slice blob;                   /* compiled policy; empty when version is 0 */
    struct slice accounts;               /* internal; see store_account() */
};
/* Renews the snapshot. Slices in *out live until store_read_end(). */
SL_NODISCARD enum sl_err store_read(struct store_reader *reader,
                                    const uint8_t id[STORE_SUBJECT_ID_BYTES],
                                    struct store_subject *out);
void store_read_end(struct store_reader *reader);
/* The subject's user name at an app: the account that was set, or the subject's name. */
struct slice store_account(const struct store_subject *subject, struct slice app);

/*
 * Off the hot path. Between store_read() and store_read_end() these see the same snapshot as that
 * read; outside, the newest. *found says whether there is such a subject.
 */
SL_NODISCARD enum sl_err store_find(struct store_reader *reader, struct slice name,
                                    uint8_t id[STORE_SUBJECT_ID_BYTES], bool *found);
/*
 * Whose user name at an app this is, as store_account() tells it: the account that was set, or the
 * name of a subject that has none set there. For data threads.
 */
SL_NODISCARD enum sl_err store_find_user(struct store_reader *reader, struct slice app,
                                         struct slice user, uint8_t id[STORE_SUBJECT_ID_BYTES],
                                         bool *found);
/* Calls visit for each subject in the order of names; return false from it to stop. */
SL_NODISCARD enum sl_err store_each(struct store_reader *reader,
                                    bool (*visit)(void *context, struct slice name,
                                                  const uint8_t id[STORE_SUBJECT_ID_BYTES]),
                                    void *context);
/* Every subject with its unwrapped key, for rebuilding the ledger's index. Keys are wiped after. */
SL_NODISCARD enum sl_err store_each_key(struct store_reader *reader,
                                        bool (*visit)(void *context,
                                                      const uint8_t id[STORE_SUBJECT_ID_BYTES],
                                                      const uint8_t key[STORE_SUBJECT_KEY_BYTES]),
                                        void *context);
/*
 * One version (1 is the first): its YAML and time. Slices live until store_read_end(). When its
 * contents are kept no longer (store_retire()), YAML and blob are empty; no policy's are.
 */
struct store_version {
    uint64_t version;
    int64_t time_ms;
    uint32_t vocabulary_version;
    uint8_t policy_digest[SHA256_BYTES];
    struct slice yaml;
    struct slice blob;
};
SL_NODISCARD enum sl_err store_version_get(struct store_reader *reader,
                                           const uint8_t id[STORE_SUBJECT_ID_BYTES],
                                           uint64_t version, struct store_version *out,
                                           bool *found);
/* Every vocabulary that a policy was written under, in the order of their SHA-256. */
SL_NODISCARD enum sl_err store_each_vocabulary(struct store_reader *reader,
                                               bool (*visit)(void *context, uint32_t version,
                                                             const uint8_t sha256[SHA256_BYTES],
                                                             struct slice text),
                                               void *context);
/* K_s, unwrapped. Wipe it. SL_EMALFORMED: no such subject. */
SL_NODISCARD enum sl_err store_subject_key(struct store_reader *reader,
                                           const uint8_t id[STORE_SUBJECT_ID_BYTES],
                                           uint8_t key[STORE_SUBJECT_KEY_BYTES]);

/* What a name that is written must be: printable UTF-8 that can stand in a request's path. */
bool store_name_is_safe(struct slice name);

/* Why the store said no; told together with SL_EMALFORMED, and only then. */
enum store_refusal {
    STORE_CONFLICT, /* the policy is at another version, or there is such a subject already */
    STORE_TAKEN,    /* another subject has this user name at an app */
    STORE_UNSAFE,   /* no name, or one that leads elsewhere in a path: "..", "a/b" */
    STORE_UNKNOWN,  /* there is no such subject */
};

/*
 * A policy change, written by the recorder's thread in one durable transaction: compare and set.
 * Creates the subject (random id and key) when the name is new: then expected_version is 0 and
 * id was drawn by store_new_id().
 */
struct store_change {
    uint8_t id[STORE_SUBJECT_ID_BYTES];
    struct slice name;
    uint64_t expected_version;
    int64_t time_ms;
    struct slice yaml;
    struct slice blob;
    uint32_t vocabulary_version;
    uint8_t vocabulary_sha256[SHA256_BYTES];
    struct slice vocabulary; /* its text, kept with the policy so that it can be compiled again */
    struct slice pending;    /* opaque: kept until store_pending_done() */
    enum store_refusal *why; /* NULL: nobody asks */
};
void store_new_id(uint8_t id[STORE_SUBJECT_ID_BYTES]);
/*
 * SL_EMALFORMED: refused, *change->why says why. A new subject is refused as STORE_TAKEN when its
 * name is a user name that was set for another one at any app. The version becomes
 * expected_version + 1. Changes are counted from 1; *number (may be NULL) is this one's.
 */
SL_NODISCARD enum sl_err store_put_policy(struct store *store, const struct store_change *change,
                                          uint64_t *number);
/*
 * Creates a subject without a policy; sets or removes (empty user) its account at an app. No two
 * subjects get one user name at an app, whether it was set or is the subject's name: also when an
 * account is removed, and the subject's name is another's by now. SL_EMALFORMED: refused, *why
 * (may be NULL) says why. SL_ELIMIT: too long.
 */
SL_NODISCARD enum sl_err store_add_subject(struct store *store, struct slice name,
                                           uint8_t id[STORE_SUBJECT_ID_BYTES],
                                           enum store_refusal *why);
SL_NODISCARD enum sl_err store_set_account(struct store *store,
                                           const uint8_t id[STORE_SUBJECT_ID_BYTES],
                                           struct slice app, struct slice user,
                                           enum store_refusal *why);
/*
 * Erases a subject: policies of all versions, name, accounts, key and id, in one durable
 * transaction. It is for the recorder's thread, at a moment when the receipts of all changes before
 * it are durable: their notes go, too. SL_EMALFORMED: refused, *why says why; STORE_CONFLICT when
 * the policy is at another version by now. What is left is in pages that nothing refers to: see
 * store_n_owed().
 */
enum { STORE_HEAD_LABEL_BYTES = SHA256_BYTES };
/* What a subject has in the list of heads of an epoch that is still to be made. */
struct store_head {
    uint64_t epoch;
    uint8_t label[STORE_HEAD_LABEL_BYTES];
    uint64_t delta;
};
struct store_erasure {
    uint8_t id[STORE_SUBJECT_ID_BYTES];
    uint64_t expected_version; /* 0: no policy */
    const struct store_head *heads;
    size_t n_heads;          /* kept, because nobody can compute them afterwards */
    struct slice pending;    /* opaque: kept until store_pending_done() */
    enum store_refusal *why; /* NULL: nobody asks */
};
SL_NODISCARD enum sl_err store_erase(struct store *store, const struct store_erasure *erasure,
                                     uint64_t *number);
/* What was kept for the heads of an epoch, until visit says false; under the store's lock. */
SL_NODISCARD enum sl_err
store_heads_each(struct store *store, uint64_t epoch,
                 bool (*visit)(void *context, const struct store_head *head), void *context);
/* The heads of that epoch, and of all before, are in the ledger. */
SL_NODISCARD enum sl_err store_heads_forget(struct store *store, uint64_t epoch);
/*
 * Takes the contents of all versions away that were superseded at `before_ms` or earlier, in
 * several transactions; time, digest and vocabulary stay. *n: how many had any. only_count: none is
 * changed. SL_ETIMEOUT: stopped half way.
 */
SL_NODISCARD enum sl_err store_retire(struct store *store, int64_t before_ms, bool only_count,
                                      const atomic_bool *stop, uint64_t *n);
/*
 * How many erasures, or batches of contents that were taken away, have left bytes in pages that are
 * free, since the store was last rewritten.
 */
SL_NODISCARD enum sl_err store_n_owed(struct store *store, uint64_t *n_owed);
/* Whether nothing is owed, and nothing stands beside the store or its key that is to be wiped. */
SL_NODISCARD enum sl_err store_is_clean(struct store *store, bool *clean);

/* A rewrite, for others to watch and to stop; all zeros to begin with. */
struct store_rewriting {
    atomic_bool stop; /* give up soon; a later call begins anew */
    atomic_uint_fast64_t n_done_bytes, n_all_bytes;
};
/*
 * Writes the store anew under a new key-encryption key, in the place of the old one, and wipes the
 * old one and its key; does nothing but that last when nothing is owed. Reading and writing go on
 * meanwhile. One thread at a time. When it returns SL_OK, nothing of what was erased before the
 * call is in the store's files, nor in the disk's free space as far as this file system writes in
 * place. Otherwise *problem says why: SL_ELIMIT: no room; SL_ETIMEOUT: stopped, or a process still
 * reads the old store; in all cases another call goes on where it has to.
 */
SL_NODISCARD enum sl_err store_rewrite(struct store *store, struct store_rewriting *run,
                                       struct store_problem *problem);

/*
 * Receipts that may be missing after a crash, in the order of the changes: so a ledger that holds
 * n receipts of changes holds those of the first n, and lacks the others.
 */
SL_NODISCARD enum sl_err store_pending_each(struct store *store,
                                            bool (*visit)(void *context, uint64_t number,
                                                          struct slice pending),
                                            void *context);
/*
 * The receipts of the first `n_changes` changes are durable: their notes are forgotten with the
 * next write, or at once if `now`.
 */
SL_NODISCARD enum sl_err store_pending_done(struct store *store, uint64_t n_changes, bool now);

/* How many changes (policies, erasures) were ever committed; from any thread. */
SL_NODISCARD enum sl_err store_n_changes(struct store *store, uint64_t *n_changes);
/*
 * Keeps `value` under `name` when there is none yet; *matches says whether what is kept is the
 * same. Never replaced. SL_ELIMIT: the value has more than STORE_PIN_BYTES_MAX bytes.
 */
SL_NODISCARD enum sl_err store_pin(struct store *store, const char *name, struct slice value,
                                   bool *matches);

#endif
