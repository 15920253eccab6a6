"""What the flows about providers, routes, telephones and PINs say when they refuse, as pages say it; see `saying`."""

from vestibule.portals.languages import marked

AS_THEY_ARE = (
    marked("There is a provider {} already."),
    marked("The route {} names {}. Remove it there first."),
    marked("There is no provider {}."),
    marked("This person has nothing that the provider could reach."),
    marked("There is a route {} already. Remove it first."),
    marked("Name at least one provider."),
    marked("There is no route {}."),
    marked("{} is no region; write two capital letters (ISO 3166), as US."),
    marked("The table has no column {}. Its first line names {}."),
    marked("The table has more than {} rows."),
    marked("There is no such telephone number or address of {}."),
    marked("A number stays a number, and an address an address. Add the other one."),
    marked("This person has that number or address already."),
    marked("Nobody can have more than {} numbers and addresses. Remove one first."),
    marked("Write a telephone number or an e-mail address."),
    marked("An extension has digits, commas (a second's pause), * and #; a human is asked with @ before it."),
    marked("{} has no PIN."),
    marked("No such number can exist: {}."),
    marked("Numbers of no country (satellites, premium and free services) are never used: {}."),
    marked("Numbers of this kind are not used for it (see the setting sending.number_types): {}."),
    marked("Numbers of this region are dear and often abused. Allow the region by the setting sending.regions: {}."),
    marked("Numbers of this region are not allowed. Allow the region by the setting sending.regions: {}."),
)
"""Said here as there."""

OTHERWISE = (
    ("Line {}, column {}: {}. Nothing was taken.", marked("Line {}, column {}: {}. Nothing was taken.")),
    ("medium must be one of {}.", marked("Choose one from the list.")),
    ("uses are one or more of {}.", marked("Choose what the number is used for.")),
    ("pin must be yes, no or default.", marked("Choose one from the list.")),
    ("No PIN could be drawn that keeps the rules. Give one.", marked("No PIN could be drawn. Try again.")),
)
"""Said in other words."""
