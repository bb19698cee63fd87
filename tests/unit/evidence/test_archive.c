/*
 * test_archive.c - a whole evidence file, and files that are no whole one
 */
#include "help.h"

#include "policy/vocabulary_default.h"

static struct archive *load(const struct text *text)
{
    struct archive *archive = NULL;
    struct archive_problem problem;
    if (archive_load(text_slice(text), &problem, &archive) != SL_OK)
        fail_msg("line %u: %s", (unsigned)problem.line, problem.text);
    return archive;
}

static void assert_refused(const struct text *text, uint64_t line, const char *said)
{
    struct archive *archive = NULL;
    struct archive_problem problem;
    assert_int_equal(archive_load(text_slice(text), &problem, &archive), SL_EMALFORMED);
    assert_null(archive);
    if (problem.line != line || !strstr(problem.text, said))
        fail_msg("line %u: \"%s\"; expected line %u and \"%s\"", (unsigned)problem.line,
                 problem.text, (unsigned)line, said);
}

/* Lotte has two versions, Max none, Noor one whose texts are gone. */
static struct text make(void)
{
    struct text text = {0};
    uint8_t sha256[32];
    add_head(&text, true);
    add_vocabulary(&text, vocabulary_default_text(), sha256);
    add_subject(&text, "lotte", 1);
    add_policy(&text, 1, sha256, slice_of_str("one"), slice_of_str("blob 1"));
    add_policy(&text, 2, sha256, slice_of_str("two"), slice_of_str("blob 2"));
    add_subject(&text, "max", 2);
    add_subject(&text, "noor", 3);
    add_policy(&text, 1, NULL, slice_of(NULL, 0), slice_of(NULL, 0));
    add_end(&text, 3, 3);
    return text;
}

static void a_file_becomes_subjects_with_their_versions(void **state)
{
    (void)state;
    struct text text = make();
    SL_AUTO(archive) archive = load(&text);
    free(text.bytes); /* nothing points into it */
    assert_int_equal(archive->n_vocabularies, 1);
    assert_false(archive->vocabularies[0].is_altered);
    assert_non_null(archive->vocabularies[0].vocabulary);
    assert_int_equal(archive->n_subjects, 3);
    assert_int_equal(archive->n_versions, 3);
    const struct archive_subject *lotte = &archive->subjects[0], *noor = &archive->subjects[2];
    assert_true(slice_equals_str(lotte->name, "lotte"));
    assert_int_equal(lotte->n_versions, 2);
    assert_int_equal(archive->subjects[1].n_versions, 0);
    const struct archive_version *two = &archive->versions[lotte->first_version + 1];
    assert_int_equal(two->version, 2);
    assert_true(slice_equals_str(two->yaml, "two"));
    assert_true(slice_equals_str(two->blob, "blob 2"));
    assert_ptr_equal(two->vocabulary, &archive->vocabularies[0]);
    const struct archive_version *gone = &archive->versions[noor->first_version];
    assert_false(gone->is_kept);
    assert_null(gone->vocabulary);
    assert_true(slice_equals_str(archive->head.apps[0].label, "Waze"));
    assert_true(slice_equals_str(archive->head.statement, "sluis stated v1\n"));
}

static void every_prefix_is_refused_as_cut_off_or_worse(void **state)
{
    (void)state;
    struct text text = make();
    for (size_t n = 0; n<text.n; n += n> 1024 && n + 1024 < text.n ? 97 : 1) {
        struct archive *archive = NULL;
        struct archive_problem problem;
        assert_int_equal(archive_load(slice_of(text.bytes, n), &problem, &archive), SL_EMALFORMED);
        assert_null(archive);
        assert_int_not_equal(problem.text[0], 0);
    }
    free(text.bytes);
}

static void a_vocabulary_that_is_not_what_it_is_named_as_is_marked(void **state)
{
    (void)state;
    struct text text = {0};
    uint8_t sha256[32] = {1};
    const struct slice words = vocabulary_default_text();
    struct evidence_line line = {.kind = EVIDENCE_VOCABULARY,
                                 .vocabulary = {.version = version_of(words), .text = words}};
    memcpy(line.vocabulary.sha256, sha256, 32);
    add_head(&text, true);
    text_add_line(&text, &line); /* another hash */
    line.vocabulary.version++;
    sha256_of(words, line.vocabulary.sha256);
    text_add_line(&text, &line); /* another version */
    line.vocabulary.text = slice_of_str("nonsense");
    sha256_of(line.vocabulary.text, line.vocabulary.sha256);
    text_add_line(&text, &line);
    add_end(&text, 0, 0);
    SL_AUTO(archive) archive = load(&text);
    assert_true(archive->vocabularies[0].is_altered);
    assert_true(archive->vocabularies[1].is_altered);
    assert_false(archive->vocabularies[2].is_altered);
    assert_null(archive->vocabularies[2].vocabulary);
    free(text.bytes);
}

static void lines_out_of_order_are_refused_with_their_number(void **state)
{
    (void)state;
    uint8_t sha256[32];
    for (int i = 0; i < 8; i++) {
        struct text text = {0};
        if (i != 0)
            add_head(&text, i != 1);
        if (i == 0) {
            add_end(&text, 0, 0);
            assert_refused(&text, 1, "does not begin with");
        } else if (i == 1) {
            add_subject(&text, "a", 1);
            add_subject(&text, "b", 1);
            assert_refused(&text, 3, "a second subject");
        } else if (i == 2) {
            add_head(&text, true);
            assert_refused(&text, 2, "a second head");
        } else if (i == 3) {
            add_subject(&text, "a", 1);
            add_vocabulary(&text, slice_of_str("x"), sha256);
            assert_refused(&text, 3, "a vocabulary after a subject");
        } else if (i == 4) {
            add_policy(&text, 1, NULL, slice_of_str("x"), slice_of_str("y"));
            assert_refused(&text, 2, "a policy before any subject");
        } else if (i == 5) {
            add_subject(&text, "a", 1);
            add_policy(&text, 2, NULL, slice_of_str("x"), slice_of_str("y"));
            assert_refused(&text, 3, "count up from 1");
        } else if (i == 6) {
            add_end(&text, 0, 0);
            add_end(&text, 0, 0);
            assert_refused(&text, 3, "a line after the end");
        } else {
            add_subject(&text, "a", 1);
            add_end(&text, 0, 0);
            assert_refused(&text, 3, "the end counts other numbers");
        }
        free(text.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_becomes_subjects_with_their_versions),
        cmocka_unit_test(every_prefix_is_refused_as_cut_off_or_worse),
        cmocka_unit_test(a_vocabulary_that_is_not_what_it_is_named_as_is_marked),
        cmocka_unit_test(lines_out_of_order_are_refused_with_their_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
