/*
 * withdraw.h - a policy's YAML without one consent, every other byte as it was
 *
 * For the short way to withdraw: the person's own words, comments and order stay.
 *
 * Shape   whole lines are taken out, from the consent's dash to its last line; an only consent
 *         leaves `consents: []`. Comments inside the consent (farther to the right than its dash)
 *         go with it, all others stay
 * Sure    the result was parsed again, and is the same policy but for that one consent
 */
#ifndef SLUIS_FLOW_WITHDRAW_H
#define SLUIS_FLOW_WITHDRAW_H

#include "base/err.h"
#include "base/writer.h"

enum withdraw_outcome {
    WITHDRAW_DONE, /* also when `out` was too small: see its `overflow` */
    WITHDRAW_NO_SUCH_CONSENT,
    /* The consent has no lines of its own (lists in brackets, JSON): edit the policy instead. */
    WITHDRAW_BY_HAND,
};

/* Appends the policy without consent `id` to `*out`, which is untouched unless WITHDRAW_DONE. */
enum withdraw_outcome withdraw_consent(struct slice yaml, struct slice id, struct writer *out);

#endif
