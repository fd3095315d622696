/* The URL of a PostgreSQL database, and what must not be shown of it. Nothing here knows Lua. */
#ifndef LP_STORE_URL_H
#define LP_STORE_URL_H

/* What is wrong with a URL, in words that hold nothing of it; NULL where libpq takes it, and takes for the password what
 * its author meant by it. (libpq's own messages show the pieces into which a wrong URL falls: a password with a slash
 * ends as a port or as the name of a host.) */
const char *lp_url_fault(const char *url);

#endif
