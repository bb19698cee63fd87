/*
 * archive.h - an evidence file in memory: every subject's key, and every version of their policies
 *
 * Shape   archive_load() reads the whole file and holds its lines together: a head first, then
 *         vocabularies, then subjects with their versions 1, 2, 3 .., an end last. It judges no
 *         policy: what does not fit the ledger is for replay.h to tell
 * Owns    everything it points to; keys are wiped when it is freed
 * Errors  SL_EMALFORMED, SL_ELIMIT: the text in archive_problem names the line
 * Spec    docs/formats/evidence.md
 */
#ifndef SLUIS_EVIDENCE_ARCHIVE_H
#define SLUIS_EVIDENCE_ARCHIVE_H

#include "evidence/line.h"
#include "policy/vocabulary.h"

struct archive_vocabulary {
    uint32_t version;
    uint8_t sha256[SHA256_BYTES];  /* as named */
    bool is_altered;               /* the text has another hash, or another version */
    struct vocabulary *vocabulary; /* NULL: the text is no vocabulary */
    struct slice text;
};

/* One version of a subject's policy, as it was archived. */
struct archive_version {
    uint64_t version;
    int64_t time_ms;
    bool is_kept;
    uint8_t digest[SHA256_BYTES];
    const struct archive_vocabulary *vocabulary; /* NULL: not in the file */
    uint8_t vocabulary_sha256[SHA256_BYTES];     /* of the one that is named, also then */
    struct slice yaml, blob;
};

struct archive_subject {
    struct slice name;
    uint8_t key[EVIDENCE_KEY_BYTES];
    size_t first_version; /* in archive->versions */
    size_t n_versions;
};

struct archive {
    struct evidence_head head;
    size_t n_vocabularies, n_subjects, n_versions;
    struct archive_vocabulary *vocabularies;
    struct archive_subject *subjects;
    struct archive_version *versions;
    void *storage;
};

struct archive_problem {
    uint64_t line; /* from 1 */
    char text[sizeof(struct evidence_problem)];
};

SL_NODISCARD enum sl_err archive_load(struct slice file, struct archive_problem *problem,
                                      struct archive **out);
void archive_free(struct archive *archive);
SL_DEFINE_AUTO(archive, archive_free)

/* The version's texts under the vocabulary that it names, as one digest. */
void archive_version_digest(const struct archive_version *version, uint8_t digest[SHA256_BYTES]);

#endif
