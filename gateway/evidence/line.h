/*
 * line.h - one line of an evidence file: what an auditor needs beside the ledger
 *
 * Shape   an evidence file is NDJSON: a head, vocabularies, then each subject followed by the
 *         versions of its policy, and an end. evidence_line_read() takes one line, whatever comes
 *         before it; the order is evidence.h's
 * Owns    a line that was read owns what its slices point to, until evidence_line_free(); one that
 *         is written owns nothing
 * Errors  SL_EMALFORMED with a clause in evidence_problem; SL_ELIMIT beyond evidence_line_bytes
 * Spec    docs/formats/evidence.md
 */
#ifndef SLUIS_EVIDENCE_LINE_H
#define SLUIS_EVIDENCE_LINE_H

#include "base/err.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "base/writer.h"
#include "policy/controller.h"

enum {
    EVIDENCE_KEY_BYTES = 32,
    EVIDENCE_LINE_BYTES_MAX = LIMIT_MAX_evidence_line_bytes,
    EVIDENCE_PARTIES_MAX = LIMIT_MAX_config_apps + LIMIT_MAX_config_partners,
};

enum evidence_kind {
    EVIDENCE_HEAD,
    EVIDENCE_VOCABULARY,
    EVIDENCE_SUBJECT,
    EVIDENCE_POLICY,
    EVIDENCE_END,
};

/* An app or a partner, and what people call it. */
struct evidence_party {
    struct slice id, label;
};

struct evidence_head {
    struct slice origin, vkey;
    int64_t time_ms;     /* when it was written */
    uint64_t n_receipts; /* policy changes among the first n receipts are all here */
    bool is_whole;       /* every subject; else one alone */
    struct slice tzdata; /* the gateway's release, or empty */
    bool has_controller;
    struct controller controller;
    size_t n_apps, n_partners;
    const struct evidence_party *apps, *partners;
    struct slice statement; /* controller and labels again, signed (statement.h); or empty */
};

struct evidence_vocabulary {
    uint32_t version;
    uint8_t sha256[SHA256_BYTES]; /* as it is named; evidence.h holds it against the text */
    struct slice text;
};

struct evidence_subject {
    struct slice name;
    uint8_t key[EVIDENCE_KEY_BYTES]; /* K_s: secret */
};

/* One version. Its texts may be gone: an operator keeps them for so long and no longer. */
struct evidence_policy {
    uint64_t version; /* 1 is the first */
    int64_t time_ms;
    uint8_t digest[SHA256_BYTES]; /* as archived, see policy_digest() */
    bool is_kept;                 /* the rest is set */
    bool has_vocabulary;
    uint8_t vocabulary[SHA256_BYTES];
    struct slice yaml, blob;
};

struct evidence_end {
    uint64_t n_subjects, n_policies;
};

struct evidence_line {
    enum evidence_kind kind;
    union {
        struct evidence_head head;
        struct evidence_vocabulary vocabulary;
        struct evidence_subject subject;
        struct evidence_policy policy;
        struct evidence_end end;
    };
    void *storage;
};

struct evidence_problem {
    char text[256];
};

/* `text` without its line feed. A line that was read must be freed; it is wiped then. */
SL_NODISCARD enum sl_err evidence_line_read(struct slice text, struct evidence_line *out,
                                            struct evidence_problem *problem);
void evidence_line_free(struct evidence_line *line);
/* With its line feed; what is no UTF-8 in it is written as U+FFFD. Check writer->overflow. */
void evidence_line_write(const struct evidence_line *line, struct writer *writer);

#endif
