/*
 * vocabulary_default.h - the text of policies/vocabulary.yaml, as it was when this was built
 */
#ifndef SLUIS_POLICY_VOCABULARY_DEFAULT_H
#define SLUIS_POLICY_VOCABULARY_DEFAULT_H

#include "base/slice.h"

struct slice vocabulary_default_text(void);

#endif
