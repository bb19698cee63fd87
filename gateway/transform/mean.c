/*
 * mean.c - the number is what a record's filter left, so nothing is read that its plan dropped
 */
#include "transform/mean.h"

#include "base/coarseness.h"
#include "base/err.h"
#include "base/limits.h"
#include "transform/number.h"
#include "transform/scan.h"

_Static_assert(MEAN_BOUND_MAX *INT64_C(1000) * LIMIT_MAX_records < INT64_MAX, "a sum fits");

/* {"a":{"b":12.5}}: from behind the last colon to the first brace after it. */
static struct slice only_value(struct slice record)
{
    size_t start = record.n;
    while (start > 0 && record.p[start - 1] != ':')
        start--;
    size_t end = start;
    while (end < record.n && record.p[end] != '}')
        end++;
    return start > 0 ? slice_of(record.p + start, end - start) : slice_of(NULL, 0);
}

bool mean_add(struct mean *mean, struct slice record)
{
    const struct slice text = only_value(record);
    struct scan scan = {.at = text.p, .end = text.p + text.n};
    int64_t number;
    if (text.n == 0 || scan_number(&scan) != SCAN_MORE || scan.at != scan.end ||
        !scan_number_is_whole(&scan) || !number_to_thousandths(text, &number))
        return false;
    number = number < mean->low ? mean->low : number > mean->high ? mean->high : number;
    mean->sum += number;
    mean->n++;
    return true;
}

void write_mean(struct writer *writer, const struct mean *mean)
{
    SL_ASSERT(mean->n > 0);
    const int64_t n = (int64_t)mean->n;
    write_thousandths(writer, mean->sum / n - (mean->sum % n < 0));
}
