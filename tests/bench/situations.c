/*
 * situations.c - what a flow pays for situations
 *
 * Of 64 consents none, or the last, asks for one; a table of 100,000 people. Prints ns for each.
 */
#include "flow/situations.h"
#include "base/timestamp.h"
#include "policy/policy.h"
#include "policy/vocabulary_default.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_PEOPLE = 100000, N_RUNS = 2000000 };

static const struct config_app app;
static struct config config = {.n_apps = 1, .apps = &app};
static uint8_t blobs[2][POLICY_BLOB_BYTES_MAX];

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void check(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "situations: %s\n", what);
    exit(1);
}

static struct slice compile(bool last_asks, uint8_t block[POLICY_BLOB_BYTES_MAX])
{
    static char yaml[32768];
    struct yaml_problems problems;
    struct writer text = writer_over(yaml, sizeof yaml);
    write_str(&text, "sluis: 1\nsubject: lotte\nconsents:\n");
    for (unsigned i = 0; i < 64; i++) {
        write_str(&text, "  - {id: c");
        write_decimal(&text, i);
        write_str(&text, i < 63 ? ", app: other" : ", app: waze");
        write_str(&text, ", partner: spotify, purpose: recommendation, data: {location: {}}");
        write_str(&text, i == 63 && last_asks ? ", situation: [driving]}\n" : "}\n");
    }
    yaml_problems_init(&problems, "bench");
    struct policy_document *policy = NULL;
    struct writer writer = writer_over(block, POLICY_BLOB_BYTES_MAX);
    check(policy_load(writer_slice(&text), config.vocabulary, &problems, &policy) == SL_OK &&
              policy_compile(policy, &problems, &writer) == SL_OK,
          "the policy can't be compiled");
    policy_free(policy);
    yaml_problems_deinit(&problems);
    return writer_slice(&writer);
}

static void measure_policy(const char *what, struct slice blob)
{
    const uint32_t class = vocabulary_code(slice_of_str("location"));
    const uint32_t driving = vocabulary_code(slice_of_str("driving"));
    struct facts facts = {.time_ms = 1,
                          .app = slice_of_str("waze"),
                          .partner = slice_of_str("spotify"),
                          .purpose = vocabulary_code(slice_of_str("recommendation")),
                          .n_classes = 1,
                          .classes = &class,
                          .n_situations = 1,
                          .situations = &driving};
    struct decision decision;
    unsigned n = 0;
    int64_t start_ns = now_ns();
    for (int i = 0; i < N_RUNS; i++)
        n += decide_asks_situations(blob, &facts);
    const int64_t asks_ns = now_ns() - start_ns;
    start_ns = now_ns();
    for (int i = 0; i < N_RUNS; i++) {
        decide(blob, &facts, &decision);
        n += decision.effect;
    }
    printf("%s: asks %.1f ns, decide %.1f ns (%u)\n", what, (double)asks_ns / N_RUNS,
           (double)(now_ns() - start_ns) / N_RUNS, n);
}

static void measure_table(void)
{
    struct situations *situations = NULL;
    struct situations_told told = {
        .n = 1,
        .terms = {vocabulary_situation_find(config.vocabulary, slice_of_str("driving"))},
        .left_s = 3600};
    const struct situations_now now = situations_clock();
    uint32_t wait_s = 0;
    char user[32];
    unsigned n = 0;
    check(situations_new(&config, &situations) == SL_OK, "no table");
    int64_t start_ns = now_ns();
    for (int i = 0; i < N_PEOPLE; i++) {
        int length = snprintf(user, sizeof user, "person-%d", i);
        n += situations_tell(situations, 0, slice_of(user, (size_t)length), &told, now, &wait_s) ==
             SITUATIONS_TOLD;
    }
    const int64_t tell_ns = now_ns() - start_ns;
    start_ns = now_ns();
    for (int i = 0; i < N_RUNS; i++) {
        int length = snprintf(user, sizeof user, "person-%d", (int)(i * 7919LL % N_PEOPLE));
        situations_known(situations, 0, slice_of(user, (size_t)length), now, &told);
        n += told.n == 1;
    }
    printf("table of %d: tell %.0f ns, known %.0f ns (%u)\n", N_PEOPLE, (double)tell_ns / N_PEOPLE,
           (double)(now_ns() - start_ns) / N_RUNS, n);
    situations_free(situations);
}

int main(void)
{
    struct vocabulary *vocabulary = NULL;
    struct yaml_problems problems;
    yaml_problems_init(&problems, "vocabulary");
    check(vocabulary_load(vocabulary_default_text(), &problems, &vocabulary) == SL_OK,
          "no vocabulary");
    config.vocabulary = vocabulary;
    config.limits = limits_default();
    measure_policy("no consent asks", compile(false, blobs[0]));
    measure_policy("the last of 64 asks", compile(true, blobs[1]));
    measure_table();
    vocabulary_free(vocabulary);
    return 0;
}
