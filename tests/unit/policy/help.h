/*
 * help.h - what the policy tests share: the default vocabulary, loading, facts
 */
#ifndef SLUIS_TEST_POLICY_HELP_H
#define SLUIS_TEST_POLICY_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "policy/decide.h"
#include "policy/policy.h"
#include "policy/vocabulary_default.h"

static struct vocabulary *vocabulary;
static struct yaml_problems problems;

static inline int set_up_vocabulary(void **state)
{
    (void)state;
    yaml_problems_init(&problems, "test.yaml");
    return vocabulary_load(vocabulary_default_text(), &problems, &vocabulary) == SL_OK ? 0 : -1;
}

static inline int tear_down_vocabulary(void **state)
{
    (void)state;
    vocabulary_free(vocabulary);
    yaml_problems_deinit(&problems);
    return 0;
}

/* The policy; a failure when it has errors. */
static inline struct policy_document *load(const char *yaml)
{
    struct policy_document *policy = NULL;
    yaml_problems_deinit(&problems);
    enum sl_err err = policy_load(slice_of_str(yaml), vocabulary, &problems, &policy);
    if (err != SL_OK)
        fail_msg("%s: %s", sl_err_name(err), problems.n > 0 ? problems.list[0].text : "");
    return policy;
}

static inline uint32_t code(const char *name)
{
    return vocabulary_code(slice_of_str(name));
}

static inline int64_t instant(const char *text)
{
    int64_t time_ms = 0;
    assert_true(timestamp_parse(slice_of_str(text), &time_ms));
    return time_ms;
}

static inline const struct vocabulary_class *class_named(const char *name)
{
    const struct vocabulary_class *class = vocabulary_class_find(vocabulary, slice_of_str(name));
    assert_non_null(class);
    return class;
}

#define HEAD "sluis: 1\nsubject: lotte\ntimezone: Europe/Amsterdam\n"

#endif
