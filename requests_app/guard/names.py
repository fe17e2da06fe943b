"""Given names common in the languages of the people who write here, and words that follow one without being a surname.

Not a dictionary of names: an unusual name is missed, and that is accepted (see the module's own warning in ``check``).
"""

GIVEN_NAMES = frozenset(
    """
    aaron adam ahmed aisha alan albert alejandro alessandro alexander alexandra ali alice amanda amy ana andrea andreas andrew
    angela anita anna anne annette anthony antonio arthur barbara beatrice ben benjamin bernd betty brenda brian bruno carl carla
    carlos carmen carol caroline catherine charles charlotte chloe christian christina christine christopher claire clara claudia
    daniel daniela david deborah denise dennis diana diego dieter dimitri dirk donald donna doris dorothy edward elena elisabeth
    elizabeth ella ellen emily emma eric erik erika ernst esther eva fatima felix fernando fiona florian francesca francesco
    francisco frank franz fred frederic friedrich gabriel gabriele gary george georg gerald gerhard giovanni giulia giuseppe gloria
    greta guenther hannah hans harald harold hassan heike heinrich heinz helen helena helga helmut henry herbert holger horst hugo
    ian ibrahim ines ingrid irene isabel isabella ivan jack jacob jacqueline jakob james jan jane janet jason javier jean jeffrey
    jennifer jessica joan johann johanna johannes john jonas jonathan jorge jose joseph joshua juan judith julia julian juergen
    jürgen karen karin karl katharina katherine kathleen katrin kenneth kevin kim klaus kurt larisa lars laura lea leon leonie linda
    lisa lorenzo louis louise lucas lucia lucy luigi luis luisa lukas maja manfred manuel marcel marco marcus margaret margarita
    maria marie marina mario marion mark markus marta martha martin martina mary mateo matthew matthias max maximilian melanie melissa
    mia michael michel michelle miguel mohamed mohammed monica monika muhammad nancy natalia natalie nicholas nicola nicole nina noah
    nora olaf olga oliver olivia omar oscar otto pablo pamela paolo pascal patricia patrick paul paula pedro peter petra philip
    philipp pierre rachel rafael rainer ralf ralph raymond rebecca renate ricardo richard rita robert roberto roger roland rolf ronald
    rosa rosemary ruth ryan sabine samantha samuel sandra sara sarah scott sebastian sergio sharon silvia simon simone sofia sonja
    sophia sophie stefan stefanie stella stephanie stephen steven susan susanne svetlana sven sylvia tanja tatiana teresa theodor
    theresa thomas tim timothy tina tobias tomas udo ulrich ursula uwe valentina vera veronica victor victoria vincent virginia
    vladimir walter werner wilhelm william wolfgang yasmin yusuf yvonne zoe
    """.split()  # noqa: SIM905 (a list of four hundred quoted words is not easier to read)
)

#: "Victoria Hospital", "Frank Consolidation", "Mark Lateral": a given name before a word of the trade or of an address.
NOT_SURNAMES = frozenset(
    """
    hospital university clinic clinics centre center institute college foundation trust street road avenue school group
    effusion consolidation pneumonia pneumothorax oedema edema lateral supine erect portable image images view views fracture
    sign line lines tube tubes block disease syndrome criteria index score unit units department ward
    """.split()  # noqa: SIM905
)
