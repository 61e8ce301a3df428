# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Common given names of many languages, lower case without accents: the evidence that a column names persons."""

from __future__ import annotations

NAMES: frozenset[str] = frozenset(
    """
    aaron abdou abdul abdallah abdelkader abdoulaye abel abigail abraham achille ada adam adama adela adele
    adelina adolfo adrian adriana adrien agata agathe agnes agneta agnieszka agustin ahlam ahmad ahmed aida aicha
    aidan aina aino aisha akim akira alain alan alba albert alberto aldo alejandra alejandro aleksandr aleksandra
    aleksander alena alessandra alessandro alessia alessio alex alexander alexandra alexandre alexis alfonso
    alfred alfredo ali alice alicia alina aline alison allison alois alvaro alwin amadou amal amalia amanda
    amandine amara amber ambroise amelia amelie amin amina aminata amir amy ana anabel anais anastasia anders
    andre andrea andreas andreea andreia andres andrew andrey andrzej andy angel angela angelica angelika
    angelina angelo anibal anita anja anke ann anna annalisa anne anneke annette annie anouk ansgar antje antoine
    antoinette anton antonella antonia antonio antonin antonella anya aram ariane ariel armand armando arnaud
    arne arnold arnulfo artem arthur arto artur arturo ashley asia astrid ata athanasios attila aude audrey
    august augusto aurelia aurelie aurelien aurora awa axel ayoub aysun ayse aylin baptiste barbara barry bart
    bartosz beata beatrice beatriz belen ben benedicte benedikt benito benjamin benoit berat bernadette bernard
    bernardo bernd bert bertrand bettina bilal birgit birgitta bjorn blanca blanche bob bogdan boris bozena
    brahim brandon brenda brian brigitte bruce bruna bruno bryan camila camille camilo candela carina carl carla
    carles carlo carlos carlota carme carmela carmelo carmen carmine carol carola carole carolina caroline
    carsten catalina catarina caterina catherine cathy cecile cecilia cedric celia celine cesar charles charlie
    charlotte chantal cheikh chiara chloe chris christa christel christelle christian christiane christina
    christine christophe christopher cindy claire clara clarisse claude claudette claudia claudine claudio claus
    clemence clement clementine coline colette concepcion concetta conchita constance constantin consuelo cora
    coralie corentin corinne cornelia craig cristian cristiano cristina cristobal cynthia cyril czeslaw dagmar
    daisy damian damien dan dana daniel daniela daniele danielle danilo danuta dario darius dariusz dave david
    davide dawid dean deborah debra delia delphine denis denise dennis derek desiree diana diane dick didier
    diego dieter dimitri dimitris dimitrios dina dirk djamila dolores domenico dominik dominika dominique donald
    donatella donna dora doris dorota dorothea dorothee dorothy douglas duarte duncan dylan ebba eddy edgar edith
    edmond edmundo eduard eduarda eduardo edward edwige edwin efrain eileen elaine elena eleni eleonora eleonore
    elia eliane elias elif elina eliot elisa elisabet elisabeth elisabetta elise elizabeth ella ellen elodie
    eloise elsa elsie elvira elzbieta emanuel emanuela emanuele emil emile emilia emiliano emilie emilio emily
    emine emma emmanuel emmanuelle emre enrica enrico enrique enzo eric erica erich erik erika erin ernest
    ernesto ernst erwan erwin esmeralda esperanza estelle esteban ester esther ethan etienne eugen eugene eugenia
    eugenie eugenio eulalia eva evan evangelia evelina eveline evelyn evelyne ewa ezequiel ezio fabian fabiana
    fabien fabienne fabio fabiola fabrice fabrizio fadila fanny farid farida fatih fatima fatma fatou fatoumata
    fausto faustine federica federico felicia felicitas felipe felix fernand fernanda fernando ferran fiona
    flavia flavio flora florence florent florentina florian floriane florin foteini frances francesc francesca
    francesco francine francisca francisco franck franco francois francoise frank franz franziska fred freddy
    frederic frederico frederik frederique frida friedrich fritz gabriel gabriela gabriele gabriella gabrielle
    gael gaelle gaetan gaetano gary gaspard gaston gemma genevieve georg george georges georgia georgios georgina
    gerald geraldine gerard gerardo gerda gerhard germain german gertrud gheorghe ghislaine giacomo giampiero
    gianfranco gianluca gianni gianluigi gilbert gilberto gildas gilles gina gino giorgia giorgio giovanna
    giovanni gisela gisele giulia giuliana giuliano giulio giuseppe giuseppina gladys glenn gloria gonzalo gordon
    grace graciela graham grazia graziella greg gregor gregoire gregorio gregory greta grzegorz guadalupe gudrun
    guido guilherme guillaume guillem guillermo gunnar gunter gunther gustav gustavo guy gwenaelle gwendoline
    hadi hafida hakan hakim halina hamid hamza hana hanna hannah hanne hannelore hans harald haris harold harriet
    harry hasan hassan hatice hector heather hedwig heidi heike heinrich heinz helen helena helene helga helmut
    hendrik henk henning henri henrietta henrik henrique henry herbert heriberto hermann herminia hernan herve
    hicham hilda hilde hildegard holger horacio horst howard hubert hugh hugo hugues huguette hussein husseyin
    ian ibrahim ida idriss ignacio ignasi igor ilaria ildiko ilona ilse imane imre ines inga inge ingeborg ingrid
    inmaculada ioana ioannis ion iosif ira irena irene irina iris irma isaac isabel isabela isabella isabelle
    isaias isidro ismael issa istvan ivan ivana ivo ivone iwona jacek jack jackie jaime jakob jakub jamal james
    jamie jan jana jane janet janice janina janine janusz jaroslav jaroslaw jasmin jasmine jason jaume javier
    jean jeanette jeanne jeannine jeff jeffrey jelena jennifer jenny jens jeremie jeremy jerome jerry jerzy
    jesper jessica jessie jesus jill jim jimena jimmy jiri jitka joan joana joanna joao joaquim joaquin jochen
    joe joel joelle joerg jofre johan johann johanna johannes john johnny jolanda jolanta jon jonas jonathan
    jordi jordan jorg jorge jorgen jose josee josef josefa josefina josefine josep joseph josephine joshua
    josiane josue joyce juan juana juanita judith jules julia julian juliana julie julien julieta juliette julio
    june jurgen justin justine justyna kadija kamal kamil kamila karel karen karim karima karin karina karine
    karl karla karolina karoline katarina katarzyna kate katerina katharina katherine kathleen kathrin kathryn
    kathy katia katja katrin kay kazimierz keith kelly ken kenji kenneth kerstin kevin khadija khaled khalid kim
    kimberly kirsten kirsti klara klaudia klaus konrad konstantin konstantina kostas kristian kristin kristina
    kristine krystyna krzysztof kurt kwame kwabena kofi laetitia lahcen laila lamia lars larry latifa laura laure
    laurence laurent lautaro lea leah leandro leila lena leo leon leonardo leonor leopold leopoldo leroy leslie
    leszek leticia lia liam liana lidia liliana liliane lilian lilly lilou lina linda lionel lisa lisbeth lise
    livia lluis logan lola lore lorena lorenzo loretta lothar lou louis louisa louise loris luc luca lucas lucia
    luciana luciano lucie lucien lucienne lucio lucy ludmila ludovic ludwig luigi luis luisa luiz lukas lukasz
    luna lutz luz lydia lydie lynn maarten maciej maddalena madeleine mads mael magali magda magdalena maggie
    mahmoud maja malek malgorzata malik mamadou manfred manon manuel manuela mara marc marcel marcela marcelina
    marcella marcelle marcello marcelo marcin marco marcos marcus marek margarete margarida margarita margaret
    margaux margherita margit margot marguerite maria mariam mariama mariana marianne mariano marie marielle
    marija marina marine mario marion marisa marisol marit marius marjorie mark marko markus marlene marlon marta
    martha marthe martin martina martine marvin mary maryam maryse maryvonne massimo mateo mateus mateusz mathias
    mathieu mathilde matilda matilde matteo matthew matthias matthieu mattia maud maureen maurice mauricio
    maurizio maxence maxim maxime maximilian maximiliano maya mayra mechthild medhi mehdi mehmet melanie melina
    melissa mercedes merce meritxell meryem micaela michael michaela michal michel michela michele micheline
    michelle mickael miguel mihaela mihai mihail mike mikael mikel mikhail mila milan milena mileva milos mina
    miquel mireia mireille miriam mirjam miroslav miroslaw mohamed mohammad mohammed mohamud moises monica monika
    monique monserrat montserrat morgan morgane morten moses mostafa mouhamed moussa muhammad muhammed muriel
    murielle musa mustafa mustapha myriam nacer nadege nadia nadine nadja nahia naima nancy narcis natacha
    natalia natalie natascha nathalie nathan nathaniel nelly nelson neus nestor neza niall nicholas nicola
    nicolae nicolas nicole nicoletta nicolo niels nieves nikola nikolai nikolaj nikolaos nikos nils nina noah
    noel noelia noelle noemi nora norbert noreen norma nuno nuria octave octavia octavio odette odile ola olaf
    ole oleg olena olga oliver olivia olivier omar orlando oscar oskar ottavio otto ousmane pablo pamela paola
    paolo pascal pascale pasquale patrice patricia patricio patrick patrik patrizia patryk pau paul paula
    paulette paulina pauline paulo pavel pawel pedro peggy penelope pepe pere perrine peter petr petra philip
    philipp philippe philomene pia pierangelo pierluigi piero pierre pierrette pietro pilar piotr placido pol
    primitivo quentin quim rachel rachid rachida radoslaw radu rafael rafaela rafal raffaele raffaella rainer
    raimon raimundo ralf ralph ramiro ramon ramona randy raoul raphael raquel raul raymond raymonde rebeca
    rebecca regina regine reinaldo reiner reinhard remedios remi remy renata renate renato renaud rene renee
    ricard ricardo riccardo richard rita rob robert roberta roberto robin rocio rodolfo rodolphe rodrigo roger
    roland rolande rolando rolf romain roman romina romuald romulo ronald rosa rosalia rosaria rosario rose
    rosemarie roser rosina roswitha roxana roxane roy ruben rudi rudolf rui ruth ryan ryszard sabina sabine
    sabrina sacha sadia said salah salim sally salma salome salvador salvatore sam samantha samia samir samira
    samuel sandie sandra sandrine sandro santiago santino santos sara sarah sascha saul scott sean sebastian
    sebastiano sebastien selim selma serge sergey sergei sergio seydou shane sharon shirley sibylle siegfried
    sigrid silke silvana silvia silvie silvio simon simona simone simonetta slawomir sofia sofie sofiane solange
    soledad sonia sonja sophia sophie soraya soren souad soumaya stanislav stanislaw stavros stefan stefania
    stefanie stefano steffen stella stephan stephane stephanie stephen steve steven stine stuart sue sunniva
    susan susana susanna susanne suzanne suzette svein sven svenja svetlana sylvain sylvana sylvia sylvie tadeusz
    tamara tania tanja tarik tatiana tatjana ted teodor teodora teresa terence teresita terry thea theo theodor
    theodora theophile therese thibault thierry thomas thorsten tiago tibor tiffany tim timothy tina tino tiziana
    tjasa tobias todd tom tomas tomasz tommaso tommy toni tonio tony tore torsten tracy trevor tristan udo ugo
    ulf ulla ulrich ulrike umberto urs ursula ute uwe vaclav valentin valentina valentine valerie valeria valerio
    valter vanessa vasile vasilis vera veronica veronika veronique vicent vicente victor victoria vicky viktor
    viktoria vincent vincenzo viola violeta violette virgile virgilio virginia virginie viviana viviane vivien
    vladimir volker wafa waldemar walter waltraud wanda wayne wendy werner wieslaw wilfried wilhelm willem
    william willy wim witold wladyslaw wojciech wolf wolfgang xavi xavier ximena yahya yamina yan yann yannick
    yasemin yasmina yasmine yassine yiannis yolanda yolande yousef youssef ysabel yuri yusuf yves yvette yvonne
    zahra zbigniew zdenek zeynep zineb zoe zofia zoltan zuzana akosua ama kojo kwaku yaw esi abena adjoa chidi
    chinedu ngozi emeka obinna oluwaseun olumide tunde yemi wanjiru kamau otieno achieng njeri wambui mwangi
    kiprop thabo sipho nomvula themba lerato naledi bongani zanele sibusiso nkosana ayanda precious blessing
    """.split()
)
"""Given names that are also common words or places (florence, roman, victoria, mark) need a second token to count."""

COMMON_WORDS = frozenset(
    """
    mark max rose bill rich may june april grace hope faith sky florence victoria roman san santa sant saint st
    santo paris sydney angel mar luz cruz paz sol pilar rosario mercedes carmen remedios soledad dolores olive
    lily iris jade ruby pearl art will jean martin benito juarez santiago jose maria francisco antonio pedro juan
    isabel lou lee ray guy page dean gene gray asia alba aurora luna wolf may gay chance major prince duke baron
    king bishop sterling forest heath lane dale glen ford grant page rob sue pat art flora colette virginia
    georgia carolina diana ara milan roma valencia cordoba leon fe ali am ama ada an ana ata axel berg clement
    lars ion ira jo kim linda esperanza consuelo trinidad asuncion concepcion nieves belen rocio charles louis
    """.split()
)

PRIVATE_MAIL = frozenset(
    """
    gmail hotmail yahoo outlook live msn icloud aol wanadoo orange free neuf sfr laposte voila club-internet bbox
    libero virgilio tiscali alice tin web gmx t-online freenet arcor mail yandex rambler bk inbox list wp onet
    interia o2 poczta seznam centrum azet citromail freemail abv telefonica terra ya uol bol ig globo sapo proton
    protonmail naver daum hanmail nate qq 163 126 sina docomo ezweb softbank btinternet comcast verizon
    numericable aliceadsl googlemail ymail rocketmail telenet skynet ziggo xs4all planet hetnet home bluewin
    sunrise a1 chello online tele2 telia spray bredband iol mynet ukr i
    """.split()
)
