"""The educational building stock: what stands where, how it is built, how it is used."""
