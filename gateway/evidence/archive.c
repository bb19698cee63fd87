/*
 * archive.c - from the lines of an evidence file to one archive
 *
 *     head ─▶ vocabulary* ─▶ (subject ─▶ policy 1, 2, 3 ..)* ─▶ end, and nothing after it
 *
 * The file may be cut off, or put together by somebody else, so the order is checked, versions
 * count up from 1 without a gap, no subject comes twice in a row under one name, and the end tells
 * how many there were. Texts are copied out of each line, because a line's JSON is gone after it.
 */
#include "evidence/archive.h"

#include "base/pool.h"
#include "base/reader.h"
#include "ledger/basis.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct archive_storage {
    struct archive archive;
    struct pool pool;
    size_t cap_vocabularies, cap_subjects, cap_versions;
};

struct archive_loading {
    struct archive_storage *storage;
    struct archive_problem *problem;
    enum evidence_kind last; /* the line before */
    bool has_head;
};

static enum sl_err refuse(struct archive_loading *loading, const char *text)
{
    snprintf(loading->problem->text, sizeof loading->problem->text, "%s", text);
    return SL_EMALFORMED;
}

/* One more place at the end of a list; NULL without memory. */
static void *grow(void *list, size_t n, size_t *cap, size_t item_bytes)
{
    if (n < *cap)
        return list;
    size_t new_cap = *cap ? 2 * *cap : 16;
    void *longer = reallocarray(list, new_cap, item_bytes);
    if (longer)
        *cap = new_cap;
    return longer;
}

static struct slice keep(struct archive_loading *loading, struct slice text)
{
    return text.n > 0 ? pool_copy(&loading->storage->pool, text) : slice_of(NULL, 0);
}

/* ---------------------------------------------------------------------------------- lines -- */

static const struct evidence_party *keep_parties(struct archive_loading *loading,
                                                 const struct evidence_party *parties, size_t n)
{
    struct evidence_party *kept = pool_array(&loading->storage->pool, n, sizeof *kept);
    for (size_t i = 0; kept && i < n; i++)
        kept[i] =
            (struct evidence_party){keep(loading, parties[i].id), keep(loading, parties[i].label)};
    return kept;
}

static enum sl_err add_head(struct archive_loading *loading, const struct evidence_head *head)
{
    struct evidence_head *kept = &loading->storage->archive.head;
    if (loading->has_head)
        return refuse(loading, "a second head");
    loading->has_head = true;
    *kept = *head;
    kept->origin = keep(loading, head->origin);
    kept->vkey = keep(loading, head->vkey);
    kept->tzdata = keep(loading, head->tzdata);
    kept->statement = keep(loading, head->statement);
    for (unsigned i = 0; i < N_CONTROLLER_TEXTS; i++)
        kept->controller.texts[i] = keep(loading, head->controller.texts[i]);
    kept->apps = keep_parties(loading, head->apps, head->n_apps);
    kept->partners = keep_parties(loading, head->partners, head->n_partners);
    return SL_OK;
}

static enum sl_err add_vocabulary(struct archive_loading *loading,
                                  const struct evidence_vocabulary *line)
{
    struct archive *archive = &loading->storage->archive;
    if (archive->n_subjects > 0)
        return refuse(loading, "a vocabulary after a subject; expected all of them before");
    struct archive_vocabulary *list = grow(archive->vocabularies, archive->n_vocabularies,
                                           &loading->storage->cap_vocabularies, sizeof *list);
    if (!list)
        return SL_EINTERNAL;
    archive->vocabularies = list;
    struct archive_vocabulary vocabulary = {.version = line->version,
                                            .text = keep(loading, line->text)};
    memcpy(vocabulary.sha256, line->sha256, SHA256_BYTES);
    uint8_t sha256[SHA256_BYTES];
    sha256_of(line->text, sha256);
    struct yaml_problems problems;
    yaml_problems_init(&problems, "vocabulary");
    enum sl_err err = vocabulary_load(line->text, &problems, &vocabulary.vocabulary);
    yaml_problems_deinit(&problems);
    if (err == SL_EINTERNAL)
        return err;
    vocabulary.is_altered =
        memcmp(sha256, line->sha256, sizeof sha256) != 0 ||
        (vocabulary.vocabulary && vocabulary_version(vocabulary.vocabulary) != line->version);
    list[archive->n_vocabularies++] = vocabulary;
    return SL_OK;
}

static enum sl_err add_subject(struct archive_loading *loading, const struct evidence_subject *line)
{
    struct archive *archive = &loading->storage->archive;
    if (!archive->head.is_whole && archive->n_subjects > 0)
        return refuse(loading, "a second subject; the head says \"one\"");
    struct archive_subject *list =
        grow(archive->subjects, archive->n_subjects, &loading->storage->cap_subjects, sizeof *list);
    if (!list)
        return SL_EINTERNAL;
    archive->subjects = list;
    struct archive_subject *subject = &list[archive->n_subjects++];
    *subject = (struct archive_subject){.name = keep(loading, line->name),
                                        .first_version = archive->n_versions};
    memcpy(subject->key, line->key, sizeof subject->key);
    return SL_OK;
}

static const struct archive_vocabulary *find_vocabulary(const struct archive *archive,
                                                        const uint8_t sha256[SHA256_BYTES])
{
    for (size_t i = 0; i < archive->n_vocabularies; i++) {
        if (memcmp(archive->vocabularies[i].sha256, sha256, SHA256_BYTES) == 0)
            return &archive->vocabularies[i];
    }
    return NULL;
}

static enum sl_err add_policy(struct archive_loading *loading, const struct evidence_policy *line)
{
    struct archive *archive = &loading->storage->archive;
    if (archive->n_subjects == 0)
        return refuse(loading, "a policy before any subject");
    struct archive_subject *subject = &archive->subjects[archive->n_subjects - 1];
    if (line->version != subject->n_versions + 1)
        return refuse(loading, "the versions of a policy don't count up from 1");
    struct archive_version *list =
        grow(archive->versions, archive->n_versions, &loading->storage->cap_versions, sizeof *list);
    if (!list)
        return SL_EINTERNAL;
    archive->versions = list;
    struct archive_version *version = &list[archive->n_versions++];
    *version = (struct archive_version){
        .version = line->version,
        .time_ms = line->time_ms,
        .is_kept = line->is_kept,
        .vocabulary = line->has_vocabulary ? find_vocabulary(archive, line->vocabulary) : NULL,
        .yaml = keep(loading, line->yaml),
        .blob = keep(loading, line->blob),
    };
    memcpy(version->digest, line->digest, sizeof version->digest);
    memcpy(version->vocabulary_sha256, line->vocabulary, sizeof version->vocabulary_sha256);
    subject->n_versions++;
    return SL_OK;
}

static enum sl_err add_end(struct archive_loading *loading, const struct evidence_end *end)
{
    const struct archive *archive = &loading->storage->archive;
    if (end->n_subjects == archive->n_subjects && end->n_policies == archive->n_versions)
        return SL_OK;
    return refuse(loading, "the end counts other numbers of subjects and policies than the file "
                           "holds: lines are missing, or too many");
}

static enum sl_err add_line(struct archive_loading *loading, const struct evidence_line *line)
{
    if (loading->has_head != (line->kind != EVIDENCE_HEAD))
        return refuse(loading, loading->has_head ? "a second head"
                                                 : "the file does not begin with {\"kind\":"
                                                   "\"evidence\", ..}: it is no evidence file");
    if (loading->last == EVIDENCE_END)
        return refuse(loading, "a line after the end");
    loading->last = line->kind;
    switch (line->kind) {
    case EVIDENCE_HEAD:
        return add_head(loading, &line->head);
    case EVIDENCE_VOCABULARY:
        return add_vocabulary(loading, &line->vocabulary);
    case EVIDENCE_SUBJECT:
        return add_subject(loading, &line->subject);
    case EVIDENCE_POLICY:
        return add_policy(loading, &line->policy);
    case EVIDENCE_END:
        break;
    }
    return add_end(loading, &line->end);
}

/* ----------------------------------------------------------------------------------- file -- */

static enum sl_err load_lines(struct archive_loading *loading, struct slice file)
{
    struct reader reader = reader_over(file);
    struct evidence_problem why;
    while (reader_left(&reader) > 0) {
        loading->problem->line++;
        struct slice text = read_until(&reader, '\n');
        if (reader.bad)
            return refuse(loading, "the last line has no end: the file is cut off");
        struct evidence_line line;
        enum sl_err err = evidence_line_read(text, &line, &why);
        if (err != SL_OK) {
            memcpy(loading->problem->text, why.text, sizeof loading->problem->text);
            return err;
        }
        err = add_line(loading, &line);
        evidence_line_free(&line);
        SL_TRY(err);
        if (loading->storage->pool.failed)
            return SL_EINTERNAL;
    }
    loading->problem->line++;
    return loading->last == EVIDENCE_END && loading->has_head
               ? SL_OK
               : refuse(loading, "the end is missing: the file is cut off");
}

enum sl_err archive_load(struct slice file, struct archive_problem *problem, struct archive **out)
{
    *problem = (struct archive_problem){0};
    struct archive_storage *storage = calloc(1, sizeof *storage);
    if (!storage)
        return SL_EINTERNAL;
    SL_AUTO(archive) archive = &storage->archive;
    archive->storage = storage;
    struct archive_loading loading = {storage, problem, EVIDENCE_HEAD, false};
    SL_TRY(load_lines(&loading, file));
    *out = archive;
    archive = NULL;
    return SL_OK;
}

void archive_free(struct archive *archive)
{
    if (!archive)
        return;
    struct archive_storage *storage = archive->storage;
    for (size_t i = 0; i < archive->n_vocabularies; i++)
        vocabulary_free(archive->vocabularies[i].vocabulary);
    if (archive->subjects)
        OPENSSL_cleanse(archive->subjects, archive->n_subjects * sizeof *archive->subjects);
    free(archive->vocabularies);
    free(archive->subjects);
    free(archive->versions);
    pool_deinit(&storage->pool);
    free(storage);
}

void archive_version_digest(const struct archive_version *version, uint8_t digest[SHA256_BYTES])
{
    basis_policy_digest(version->yaml, version->blob, version->vocabulary_sha256, digest);
}
