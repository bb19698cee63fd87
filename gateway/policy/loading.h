/*
 * loading.h - what the parts of policy_load() share; not for callers of the module
 */
#ifndef SLUIS_POLICY_LOADING_H
#define SLUIS_POLICY_LOADING_H

#include "base/pool.h"
#include "policy/policy.h"

enum {
    POLICY_ID_BYTES = LIMIT_MAX_config_id_bytes,
    POLICY_SUBJECT_BYTES = LIMIT_MAX_subject_name_bytes,
    POLICY_BENEFIT_BYTES = LIMIT_MAX_benefit_bytes,
    POLICY_SITUATIONS_MAX = 8,
    POLICY_AT_MOST_MAX = 1000000,
    POLICY_MINUTES_PER_DAY = 1440,
};

struct policy_loading {
    const struct vocabulary *vocabulary;
    struct yaml_problems *problems;
    struct pool *pool;
    const struct yaml_node *local_time; /* the first key that needs a time zone, or NULL */
    struct slice zone; /* the rules of any time zone that is named; empty: tzdata's */
};

/* value.c: each reads one value; on a problem it reports, returns false and leaves `*out`. */
bool value_text(struct policy_loading *loading, const struct yaml_node *node, size_t bytes_max,
                struct slice *out);
bool value_id(struct policy_loading *loading, const struct yaml_node *node, struct slice *out);
bool value_subject(struct policy_loading *loading, const struct yaml_node *node, struct slice *out);
/* The value of a grant's key. */
bool value_coarse(struct policy_loading *loading, const struct yaml_node *node,
                  enum coarse_dimension dimension, uint32_t *out);
bool value_date(struct policy_loading *loading, const struct yaml_node *node,
                struct civil_date *out);
bool value_at_most(struct policy_loading *loading, const struct yaml_node *node, uint32_t *n,
                   uint32_t *per_s);
/* `when: {days, hours}` */
bool value_window(struct policy_loading *loading, const struct yaml_node *node,
                  struct policy_window *out);

/* name.c: names of the vocabulary, with "did you mean". */
const struct vocabulary_class *name_class(struct policy_loading *loading, struct slice name,
                                          uint32_t line, uint32_t column);
const struct vocabulary_term *name_purpose(struct policy_loading *loading,
                                           const struct yaml_node *node);
const struct vocabulary_term *name_situation(struct policy_loading *loading,
                                             const struct yaml_node *node);
/* The class along `coarser` of `class` that `detail` names, in full or by its last word. */
const struct vocabulary_class *name_detail(struct policy_loading *loading,
                                           const struct yaml_node *node,
                                           const struct vocabulary_class *class);

/* load_consent.c */
void load_consent(struct policy_loading *loading, const struct yaml_node *node,
                  struct policy_consent *out);
void load_refusal(struct policy_loading *loading, const struct yaml_node *node,
                  struct policy_refusal *out);

/* check.c: warnings about what a policy without errors says as a whole. */
void check_policy(const struct policy_document *policy, struct yaml_problems *problems);

#endif
