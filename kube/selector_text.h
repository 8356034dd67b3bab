/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selector_text: a label selector as people write it on a command line,
 * "app=web,tier!=front,env in (a, b),!canary", by kubectl's rules for -l.
 */
#ifndef KUBE_SELECTOR_TEXT_H
#define KUBE_SELECTOR_TEXT_H

#include "kube/labels.h"

/*
 * Read text. Everything in *out lives in arena. RF_INVAL: what is wrong and
 * from where on; comparing numbers (< and >) is refused, too.
 */
RF_MUST_USE enum rf_status selector_text_read(struct label_selector *out,
    const char *text, struct arena *arena, struct rf_error *err);

#endif
