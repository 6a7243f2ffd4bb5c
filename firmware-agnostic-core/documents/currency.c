/* Only what differs from two digits is in the table. */
#include "documents/currency.h"

#include <stddef.h>
#include <string.h>

unsigned xd_currency_digits(const char *currency) {
    static const struct {
        unsigned digits;
        const char *names; /* three letters each, parted by a blank */
    } others[] = {
        {0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"},
        {3, "BHD IQD JOD KWD LYD OMR TND"},
        {4, "CLF UYW"},
    };
    for (size_t row = 0; currency != NULL && strlen(currency) == 3 && row < sizeof others / sizeof others[0];
         row++) {
        if (strchr(currency, ' ') == NULL && strstr(others[row].names, currency) != NULL) {
            return others[row].digits;
        }
    }
    return 2;
}
