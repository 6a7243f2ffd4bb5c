/* Currencies, as far as sums need them. Pure; any thread. */
#ifndef XD_DOCUMENTS_CURRENCY_H
#define XD_DOCUMENTS_CURRENCY_H

/* How many digits behind the point the currency's minor unit has (ISO 4217): 2 for EUR, 0 for
 * JPY, 3 for KWD. 2 for what is not known, and for NULL. */
unsigned xd_currency_digits(const char *currency);

#endif
