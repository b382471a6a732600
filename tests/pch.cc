// The source the precompiled header is built for; it has nothing else to say.
