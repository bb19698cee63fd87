/*
 * test_whose.c - attribution by tags, against a naive search over all subjects and numbers
 */
#include "help.h"

#include "evidence/whose.h"

#include <stdio.h>
#include <time.h>

enum { SUBJECTS = 300, NUMBERS = 40 };

static struct archive *make_archive(size_t n_subjects)
{
    struct text text = {0};
    add_head(&text, true);
    for (size_t i = 0; i < n_subjects; i++) {
        struct evidence_line line = {.kind = EVIDENCE_SUBJECT};
        char name[16];
        line.subject.name = slice_of(name, (size_t)snprintf(name, sizeof name, "s%zu", i));
        memcpy(line.subject.key, &i, sizeof i);
        text_add_line(&text, &line);
    }
    add_end(&text, n_subjects, 0);
    struct archive *archive = NULL;
    struct archive_problem problem;
    assert_int_equal(archive_load(text_slice(&text), &problem, &archive), SL_OK);
    free(text.bytes);
    return archive;
}

static struct slice tag_of(const struct archive *archive, size_t subject, uint64_t n,
                           char text[LEAF_TAG_BYTES * 2])
{
    struct hmac_key key;
    uint8_t tag[LEAF_TAG_BYTES];
    hmac_key_init(&key, slice_of(archive->subjects[subject].key, EVIDENCE_KEY_BYTES));
    leaf_tag(&key, n, tag);
    struct writer writer = writer_over(text, (size_t)LEAF_TAG_BYTES * 2);
    write_base64url(&writer, slice_of(tag, sizeof tag));
    return writer_slice(&writer);
}

static void each_tag_is_found_in_its_turn_and_never_before_or_after(void **state)
{
    (void)state;
    SL_AUTO(archive) archive = make_archive(SUBJECTS);
    SL_AUTO(whose) whose = NULL;
    assert_int_equal(whose_new(archive, &whose), SL_OK);
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    uint64_t counts[SUBJECTS] = {0};
    for (size_t i = 0; i < (size_t)SUBJECTS * NUMBERS; i++) {
        char text[LEAF_TAG_BYTES * 2];
        size_t subject = (size_t)rand_r(&seed) % SUBJECTS, found = SUBJECTS;
        uint64_t number =
            (uint64_t)rand_r(&seed) % 3 + (counts[subject] > 0 ? counts[subject] - 1 : 0);
        uint64_t n = UINT64_MAX;
        bool is_next = number == counts[subject];
        assert_int_equal(whose_take(whose, tag_of(archive, subject, number, text), &found, &n),
                         is_next);
        if (is_next) {
            assert_int_equal(found, subject);
            assert_int_equal(n, counts[subject]++);
        }
        assert_int_equal(whose_count(whose, subject), counts[subject]);
    }
}

static void what_is_no_tag_is_nobodys(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "short", "AAAAAAAAAAAAAAAAAAAAAA",
                                        "AAAAAAAAAAAAAAAAAAAAA+"};
    size_t subject;
    uint64_t n;
    for (size_t n_subjects = 0; n_subjects < 2; n_subjects++) {
        SL_AUTO(archive) archive = make_archive(n_subjects);
        SL_AUTO(whose) whose = NULL;
        assert_int_equal(whose_new(archive, &whose), SL_OK);
        for (size_t i = 0; i < SL_LENGTH(texts); i++)
            assert_false(whose_take(whose, slice_of_str(texts[i]), &subject, &n));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tag_is_found_in_its_turn_and_never_before_or_after),
        cmocka_unit_test(what_is_no_tag_is_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
