/*
 * fixture.h - a ledger in a temporary folder, with a store of a few subjects that is not one
 */
#ifndef SLUIS_TESTS_LEDGER_FIXTURE_H
#define SLUIS_TESTS_LEDGER_FIXTURE_H

#include "ledger/index.h"
#include "ledger/keyring.h"
#include "ledger/note.h"
#include "ledger/recorder.h"

#include <sluis/verify.h>

enum { FIXTURE_SUBJECTS = 8 };

#define FIXTURE_ORIGIN "ledger.example/test"

/* For record.demand. What is asked for is kept at once, and durable when it is committed. */
struct fixture_demand {
    enum sl_err err; /* how it is met */
    uint64_t index;  /* out: where the receipt was to stand */
};

struct fixture_subject {
    bool known;
    uint8_t id[SUBJECT_ID_BYTES];
    uint8_t key[SUBJECT_KEY_BYTES];
    uint64_t version;
};

struct fixture {
    char root[128];
    char folder[160], index_folder[160], key_file[160], vkey_file[160];
    char vkey[512];
    struct limits limits;
    struct recorder_config config;
    struct recorder_problem problem;
    struct recorder *recorder;
    struct mailbox box;
    struct fixture_subject subjects[FIXTURE_SUBJECTS];
    enum sl_err load_err, commit_err, flows_err;
    size_t n_kept, n_durable; /* demands; the receipts of the durable ones may be missing */
    uint64_t n_commits;
    uint64_t size_at_commit; /* of the ledger */
    bool demands_open;
    bool epochs_end; /* its receipts are old: every epoch is due at once */
};

/* A temporary folder with a key; nothing is opened. */
void fixture_init(struct fixture *fixture);
/* Below `base` instead of the usual folder for temporary files. */
void fixture_init_in(struct fixture *fixture, const char *base);
/* Closes, and removes everything. */
void fixture_deinit(struct fixture *fixture);

/* Opens and starts; fails the test when that fails. */
void fixture_open(struct fixture *fixture);
/* The error of recorder_open(), which must be one; the text is in fixture->problem. */
enum sl_err fixture_open_fails(struct fixture *fixture);
/* Stops and frees. */
void fixture_close(struct fixture *fixture);

/* Waits until the ledger has so many receipts, and fails the test if it then has more. */
void fixture_await_size(struct fixture *fixture, uint64_t size);
/*
 * Stops, and starts with epochs that end: that of all receipts so far does. Leaves it open, with
 * epochs that do not end.
 */
void fixture_end_epoch(struct fixture *fixture);

/* Drafts: a release, refusal or consent of subject `who`; negative: of an unknown subject. */
void fixture_draft(struct fixture *fixture, struct record *record, enum record_kind kind, int who);
/* Submits, and waits until it is back. Returns the outcome. */
enum record_outcome fixture_record(struct fixture *fixture, struct record *record);
enum record_outcome fixture_release(struct fixture *fixture, int who);
/* Submits n releases at once, and waits for all. */
void fixture_release_many(struct fixture *fixture, size_t n);

/* The next number of a subject, in the index of a recorder that is open and not started. */
uint64_t fixture_count(struct fixture *fixture, int who);

/*
 * Goes over to a new key, as the gateway does: draws it, records the key receipt, and brings the
 * files in line. fixture->vkey stays the first one; `vkey` (may be NULL) gets the new one.
 */
void fixture_rotate(struct fixture *fixture, char vkey[RECORDER_VKEY_BYTES_MAX]);
struct keyring fixture_keyring(const struct fixture *fixture);

enum sluis_verify_result fixture_verify(struct fixture *fixture,
                                        struct sluis_verify_report *report);
/* Fails the test unless the ledger is valid and holds `n_receipts`. */
void fixture_assert_valid(struct fixture *fixture, uint64_t n_receipts);

/* The path of the segment that begins with `first_index`. */
void fixture_segment_path(const struct fixture *fixture, uint64_t first_index, char path[256]);
/* Reads or writes bytes of a file; fails the test when that fails. */
void fixture_peek(const char *path, uint64_t offset, void *bytes, size_t n);
void fixture_poke(const char *path, uint64_t offset, const void *bytes, size_t n);
/* What stood at `to` is replaced. */
void fixture_copy_file(const char *from, const char *to);
/* A new folder with a copy of the ledger (not of the index) in it. */
void fixture_copy_ledger(const struct fixture *fixture, const char *to);

#endif
