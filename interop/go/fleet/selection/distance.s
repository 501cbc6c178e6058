// Empty: with a file of this kind beside it, the compiler accepts a function without a body.
