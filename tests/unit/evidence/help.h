/*
 * help.h - a small evidence file, made line by line
 */
#ifndef SLUIS_TEST_EVIDENCE_HELP_H
#define SLUIS_TEST_EVIDENCE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "evidence/archive.h"

#include <stdlib.h>
#include <string.h>

/* A growing text, freed by the caller. */
struct text {
    uint8_t *bytes;
    size_t n;
};

static inline void text_add(struct text *text, struct slice more)
{
    text->bytes = realloc(text->bytes, text->n + more.n + 1);
    assert_non_null(text->bytes);
    if (more.n > 0)
        memcpy(text->bytes + text->n, more.p, more.n);
    text->n += more.n;
    text->bytes[text->n] = 0;
}

static inline struct slice text_slice(const struct text *text)
{
    return slice_of(text->bytes, text->n);
}

static inline void text_add_line(struct text *text, const struct evidence_line *line)
{
    uint8_t *block = malloc(EVIDENCE_LINE_BYTES_MAX);
    assert_non_null(block);
    struct writer writer = writer_over(block, EVIDENCE_LINE_BYTES_MAX);
    evidence_line_write(line, &writer);
    assert_false(writer.overflow);
    text_add(text, writer_slice(&writer));
    free(block);
}

static inline void add_head(struct text *text, bool is_whole)
{
    static const struct evidence_party apps[] = {{SLICE_LITERAL("waze"), SLICE_LITERAL("Waze")},
                                                 {SLICE_LITERAL("plain"), SLICE_LITERAL("")}};
    static const struct evidence_party partners[] = {
        {SLICE_LITERAL("spotify"), SLICE_LITERAL("Spotify \"AB\"")}};
    struct evidence_line line = {.kind = EVIDENCE_HEAD,
                                 .head = {.origin = slice_of_str("gateway.example/1"),
                                          .vkey = slice_of_str("gateway.example/1+00+AA"),
                                          .time_ms = 1795392000123,
                                          .n_receipts = 7,
                                          .is_whole = is_whole,
                                          .tzdata = slice_of_str("2025b"),
                                          .has_controller = true,
                                          .n_apps = 2,
                                          .n_partners = 1,
                                          .apps = apps,
                                          .partners = partners,
                                          .statement = slice_of_str("sluis stated v1\n")}};
    line.head.controller.texts[CONTROLLER_NAME] = slice_of_str("Gemeente \xc3\x89\xc3\xa9n");
    line.head.controller.texts[CONTROLLER_STORAGE] = slice_of_str("nowhere");
    text_add_line(text, &line);
}

/* The version in the text; 1 when it is none. */
static inline uint32_t version_of(struct slice words)
{
    struct yaml_problems problems;
    struct vocabulary *vocabulary = NULL;
    uint32_t version = 1;
    yaml_problems_init(&problems, "test");
    if (vocabulary_load(words, &problems, &vocabulary) == SL_OK)
        version = vocabulary_version(vocabulary);
    vocabulary_free(vocabulary);
    yaml_problems_deinit(&problems);
    return version;
}

static inline void add_vocabulary(struct text *text, struct slice words, uint8_t sha256[32])
{
    struct evidence_line line = {.kind = EVIDENCE_VOCABULARY,
                                 .vocabulary = {.version = version_of(words), .text = words}};
    sha256_of(words, sha256);
    memcpy(line.vocabulary.sha256, sha256, 32);
    text_add_line(text, &line);
}

static inline void add_subject(struct text *text, const char *name, uint8_t key)
{
    struct evidence_line line = {.kind = EVIDENCE_SUBJECT, .subject = {.name = slice_of_str(name)}};
    memset(line.subject.key, key, sizeof line.subject.key);
    text_add_line(text, &line);
}

static inline void add_policy(struct text *text, uint64_t version, const uint8_t vocabulary[32],
                              struct slice yaml, struct slice blob)
{
    struct evidence_line line = {.kind = EVIDENCE_POLICY,
                                 .policy = {.version = version,
                                            .time_ms = 1000 * (int64_t)version,
                                            .is_kept = yaml.n > 0,
                                            .has_vocabulary = vocabulary != NULL,
                                            .yaml = yaml,
                                            .blob = blob}};
    memset(line.policy.digest, 0x11, sizeof line.policy.digest);
    if (vocabulary)
        memcpy(line.policy.vocabulary, vocabulary, 32);
    text_add_line(text, &line);
}

static inline void add_end(struct text *text, uint64_t n_subjects, uint64_t n_policies)
{
    const struct evidence_line line = {.kind = EVIDENCE_END, .end = {n_subjects, n_policies}};
    text_add_line(text, &line);
}

#endif
