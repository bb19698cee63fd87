/*
 * diff.h - what changed between two versions of a policy, counted and in plain words
 *
 * Consents are matched by their id; refusals by what they say.
 *
 *     withdrawn: drive-playlists (waze → spotify, recommendation)
 *     narrowed: taste (spotify → soundmap, recommendation): without listening.track
 */
#ifndef SLUIS_POLICY_DIFF_H
#define SLUIS_POLICY_DIFF_H

#include "policy/policy.h"

struct policy_change {
    uint32_t granted, changed, withdrawn;
    uint32_t refusals_added, refusals_removed;
};

/*
 * Compares; NULL stands for "no policy". With `lines`, one line of UTF-8 per difference, each
 * ended by LF; what does not fit sets its overflow. All zeros when nothing changed but the text.
 */
void policy_compare(const struct policy_document *old, const struct policy_document *new,
                    struct policy_change *change, struct writer *lines);

#endif
