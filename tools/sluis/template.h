/*
 * template.h - the files that `sluis init` writes, as they were when this was built
 */
#ifndef SLUIS_TOOLS_TEMPLATE_H
#define SLUIS_TOOLS_TEMPLATE_H

#include "base/slice.h"

/* sluis.yaml with @ORIGIN@ and @TOKEN_HASH@ in it. */
struct slice template_configuration(void);
/* A policy that fits that configuration. */
struct slice template_policy(void);

#endif
