/*
 * withdraw.h - a policy's YAML without one consent, every other byte as it was
 *
 * For the short way to withdraw: the person's own words, comments and order stay.
 */
#ifndef SLUIS_FLOW_WITHDRAW_H
#define SLUIS_FLOW_WITHDRAW_H

#include "base/err.h"
#include "base/writer.h"

enum withdraw_outcome {
    WITHDRAW_DONE,
    WITHDRAW_NO_SUCH_CONSENT,
    WITHDRAW_BY_HAND, /* consents written on one line, [ ... ]: edit the policy instead */
};

enum withdraw_outcome withdraw_consent(struct slice yaml, struct slice id, struct writer *out);

#endif
